-- Sends the requests of a file in turns, and counts the responses with an unexpected status.
--
-- Arguments: the file, the expected statuses, and the milliseconds between a response and the
-- next request of its connection. A line of the file has a method, a path, a token, an ETag
-- and a body, separated by tabs; NUMBER in the body becomes a number that no other body has.
local threads = {}
local requests = {}
local expected = {}
local position = 0

function setup(thread)
   table.insert(threads, thread)
end

local function parse(line)
   local method, path, token, etag, body =
      line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)$")
   local headers = { ["Authorization"] = "Bearer " .. token }
   if etag ~= "" then headers["If-None-Match"] = etag end
   if body == "" then return { text = wrk.format(method, path, headers) } end
   headers["Content-Type"] = "application/json"
   return { method = method, path = path, headers = headers, body = body }
end

function init(args)
   unexpected = 0
   last_unexpected = 0
   for line in io.lines(args[1]) do table.insert(requests, parse(line)) end
   for status in args[2]:gmatch("%d+") do expected[tonumber(status)] = true end
   local milliseconds = tonumber(args[3])
   if milliseconds > 0 then
      delay = function() return milliseconds end
   end
   math.randomseed(os.time())
   first_number = math.random(1000000) * 1000000
end

function request()
   position = position + 1
   local one = requests[(position - 1) % #requests + 1]
   if one.text then return one.text end
   local number = string.format("%.0f", first_number + position)
   return wrk.format(one.method, one.path, one.headers, (one.body:gsub("NUMBER", number)))
end

function response(status)
   if not expected[status] then
      unexpected = unexpected + 1
      last_unexpected = status
   end
end

function done(summary, latency)
   local failed, last = 0, 0
   for _, thread in ipairs(threads) do
      failed = failed + thread:get("unexpected")
      last = math.max(last, thread:get("last_unexpected"))
   end
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "seconds": %f, "p50": %f, "p99": %f, "unexpected": %d, "status": %d, "lost": %d}\n',
      summary.requests, summary.duration / 1e6,
      latency:percentile(50) / 1e6, latency:percentile(99) / 1e6,
      failed, last, errors.connect + errors.read + errors.write + errors.timeout))
end
