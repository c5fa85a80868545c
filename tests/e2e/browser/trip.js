// What a page does with the service, by fetch and nothing else. Each step tells what it saw.

const READ = [
  "Location", "Retry-After", "ETag", "Preference-Applied", "X-Request-ID",
  "Content-Disposition", "Idempotency-Replayed", "Content-Range", "Accept-Ranges",
];

async function seen(answer) {
  const isJson = answer.headers.get("Content-Type")?.includes("json");
  const headers = READ.map((name) => [name, answer.headers.get(name)]);
  return {
    status: answer.status,
    headers: Object.fromEntries(headers.filter(([, value]) => value !== null)),
    body: isJson ? await answer.json() : await answer.text(),
  };
}

export async function trip(base) {
  const told = {};
  const common = { "Accept-Language": "en", "Content-Type": "application/json" };

  async function ask(step, method, path, { body, headers } = {}) {
    const answer = await fetch(new URL(path, base), {
      method,
      headers: { ...common, ...headers },
      ...(body && { body: JSON.stringify(body) }),
    });
    told[step] = await seen(answer);
    return told[step];
  }

  const person = { username: "teacher", password: "demo" };
  const tokens = (await ask("login", "POST", "/auth/token", { body: person })).body;
  common.Authorization = `Bearer ${tokens.access}`;

  const { body: catalogue } = await ask("catalogue", "GET", "/reports");
  const { example } = catalogue.results.find(({ report }) => report === "report_card");
  const wanted = {
    body: { ...example, format: "csv", language: "pt-BR" },
    headers: {
      "Idempotency-Key": crypto.randomUUID(),
      "X-Request-ID": "page-42",
      traceparent: `00-${"ab".repeat(16)}-${"cd".repeat(8)}-01`,
    },
  };
  await ask("submit", "POST", "/reports", wanted);
  wanted.headers.Prefer = "wait=20";
  const { body: task } = await ask("again, waiting", "POST", "/reports", wanted);

  const { headers } = await ask("poll", "GET", task.links.self);
  await ask("poll again", "GET", task.links.self, {
    headers: { "If-None-Match": headers.ETag },
  });

  const file = await ask("file", "GET", task.links.result);
  const bytes = new TextEncoder().encode(file.body).length;
  told["bytes in all"] = bytes + (await startsWithMark(base, task, common) ? 3 : 0);
  await ask("part", "GET", task.links.result, {
    headers: { Range: "bytes=10-19", "If-Range": `"${task.result.sha256}"` },
  });

  const { body: link } = await ask("link", "POST", `${task.links.result}/link`);
  told["by link"] = await seen(await fetch(new URL(link.url, base))); // no header of ours
  await ask("erase", "DELETE", task.links.self);

  await ask("not there", "GET", "/nothing");
  await ask("erased", "GET", task.links.self);
  await ask("too much", "POST", "/reports", { body: { report: "x".repeat(70_000) } });
  common.Authorization = "Bearer nonsense";
  await ask("no token", "GET", "/tasks");
  await ask("logout", "POST", "/auth/logout", { body: { refresh: tokens.refresh } });
  told.cookies = document.cookie;
  return told;
}

// text() takes away the mark that a spreadsheet wants at the beginning of a file.
async function startsWithMark(base, task, headers) {
  const answer = await fetch(new URL(task.links.result, base), { headers });
  const [first] = new Uint8Array(await answer.arrayBuffer());
  return first === 0xef;
}

// How a page fares that may not: each request, simple or not, and whether it got anything.
export async function refused(base) {
  const body = JSON.stringify({ username: "teacher", password: "demo" });
  const json = { "Content-Type": "application/json" };
  const tries = {
    alive: () => fetch(new URL("/healthz", base)),
    contract: () => fetch(new URL("/openapi.yaml", base)),
    login: () => fetch(new URL("/auth/token", base), { method: "POST", headers: json, body }),
    tasks: () => fetch(new URL("/tasks", base), { headers: { Authorization: "Bearer x" } }),
    erase: () => fetch(new URL("/tasks/x", base), { method: "DELETE" }),
  };
  const told = {};
  for (const [name, attempt] of Object.entries(tries)) {
    told[name] = await attempt().then(
      (answer) => answer.status,
      (error) => error.name,
    );
  }
  return told;
}
