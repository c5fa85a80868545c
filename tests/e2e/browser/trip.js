// A page's use of the service with fetch alone. Each step records its response.

const RECORDED_HEADERS = [
  "Location", "Retry-After", "ETag", "Preference-Applied", "X-Request-ID",
  "Content-Disposition", "Idempotency-Replayed", "Content-Range", "Accept-Ranges",
];

async function summarize(response) {
  const isJson = response.headers.get("Content-Type")?.includes("json");
  const headers = RECORDED_HEADERS.map((name) => [name, response.headers.get(name)]);
  return {
    status: response.status,
    headers: Object.fromEntries(headers.filter(([, value]) => value !== null)),
    body: isJson ? await response.json() : await response.text(),
  };
}

export async function trip(base) {
  const results = {};
  const common = { "Accept-Language": "en", "Content-Type": "application/json" };

  async function send(step, method, path, { body, headers } = {}) {
    const response = await fetch(new URL(path, base), {
      method,
      headers: { ...common, ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    results[step] = await summarize(response);
    return results[step];
  }

  const credentials = { username: "teacher", password: "demo" };
  const tokens = (await send("login", "POST", "/auth/token", { body: credentials })).body;
  common.Authorization = `Bearer ${tokens.access}`;

  const { body: catalogue } = await send("catalogue", "GET", "/reports");
  const { example } = catalogue.results.find(({ report }) => report === "report_card");
  const submission = {
    body: { ...example, format: "csv", language: "pt-BR" },
    headers: {
      "Idempotency-Key": crypto.randomUUID(),
      "X-Request-ID": "page-42",
      traceparent: `00-${"ab".repeat(16)}-${"cd".repeat(8)}-01`,
    },
  };
  await send("submit", "POST", "/reports", submission);
  submission.headers.Prefer = "wait=20";
  const { body: task } = await send("repeat with wait", "POST", "/reports", submission);

  const { headers } = await send("poll", "GET", task.links.self);
  await send("poll again", "GET", task.links.self, {
    headers: { "If-None-Match": headers.ETag },
  });

  const file = await send("file", "GET", task.links.result);
  const bytes = new TextEncoder().encode(file.body).length;
  results["total bytes"] = bytes + (await startsWithBom(base, task, common) ? 3 : 0);
  await send("part", "GET", task.links.result, {
    headers: { Range: "bytes=10-19", "If-Range": `"${task.result.sha256}"` },
  });

  const { body: link } = await send("link", "POST", `${task.links.result}/link`);
  results["by link"] = await summarize(await fetch(new URL(link.url, base))); // no own headers
  await send("delete", "DELETE", task.links.self);

  await send("unknown path", "GET", "/nothing");
  await send("deleted task", "GET", task.links.self);
  await send("large body", "POST", "/reports", { body: { report: "x".repeat(70_000) } });
  common.Authorization = "Bearer nonsense";
  await send("invalid token", "GET", "/tasks");
  await send("logout", "POST", "/auth/logout", { body: { refresh: tokens.refresh } });
  results.cookies = document.cookie;
  return results;
}

// text() removes the byte order mark that spreadsheets need at the start of a file.
async function startsWithBom(base, task, headers) {
  const response = await fetch(new URL(task.links.result, base), { headers });
  const [first] = new Uint8Array(await response.arrayBuffer());
  return first === 0xef;
}

// Requests of a page whose origin is not allowed, simple and preflighted: status or error name.
export async function tryForbiddenRequests(base) {
  const body = JSON.stringify({ username: "teacher", password: "demo" });
  const json = { "Content-Type": "application/json" };
  const attempts = {
    alive: () => fetch(new URL("/healthz", base)),
    contract: () => fetch(new URL("/openapi.yaml", base)),
    login: () => fetch(new URL("/auth/token", base), { method: "POST", headers: json, body }),
    tasks: () => fetch(new URL("/tasks", base), { headers: { Authorization: "Bearer x" } }),
    delete: () => fetch(new URL("/tasks/x", base), { method: "DELETE" }),
  };
  const results = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    results[name] = await attempt().then(
      (response) => response.status,
      (error) => error.name,
    );
  }
  return results;
}
