// The whole trip of a client: from logging in to logging out. Says each step that went well.
import assert from "node:assert/strict";

import { inWords, Service, type Row } from "./service.js";

function given(name: string): string {
  const value = process.env[name];
  assert(value, `${name} is not set`);
  return value;
}

async function sha256(bytes: ArrayBuffer): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Buffer.from(digest).toString("hex");
}

function meanOf(rows: Row[]): number {
  const grades = rows.flatMap((row) => {
    const mean = row["mean"];
    return typeof mean === "string" ? [Number.parseFloat(mean)] : [];
  });
  return grades.reduce((sum, grade) => sum + grade, 0) / grades.length;
}

function done(step: string): void {
  console.log(step);
}

const service = new Service(given("BASE"));
const { api } = service;

await service.logIn("teacher", "demo");
done("logged in");

const catalogue = await api.GET("/reports");
assert(catalogue.data);
const offered = catalogue.data.results.find(
  ({ report }) => report === "class_performance",
);
assert(offered);
assert(offered.formats.includes("csv"));
done("read the catalogue");

const seen = new Set<string>();
const slow = await service.ended(given("SLOW_TASK"), (now) => seen.add(inWords(now)));
assert.equal(slow.state, "succeeded");
assert(seen.size > 1, [...seen].join());
done("waited for a slow one");

const long = { task_id: given("LONG_TASK") };
const canceled = await api.POST("/tasks/{task_id}/cancel", {
  params: { path: long },
});
assert.equal(canceled.response.status, 202);
const stopped = await service.ended(long.task_id, () => undefined);
assert.equal(stopped.state, "canceled");
done("canceled another");

// The example is a whole request, and is typed as one.
const task = await service.ask(offered.example);
assert.equal(task.state, "succeeded", inWords(task));
done("asked, and waited within the request");

const rows = task.result?.data;
assert(rows && rows.length === task.result?.rows);
const mean = meanOf(rows);
assert(mean > 0 && mean <= 10, `a mean of ${mean}`);
done("read its rows");

const table = await service.ask({
  report: "report_card",
  parameters: { class_id: 1 },
  format: "csv",
  language: "pt-BR",
});
assert(table.result);
const path = { task_id: table.task_id };
const file = await api.GET("/tasks/{task_id}/result", {
  params: { path },
  parseAs: "arrayBuffer",
});
assert(file.data);
assert.equal(file.data.byteLength, table.result.bytes);
assert.equal(await sha256(file.data), table.result.sha256);
done("fetched its file");

const link = await api.POST("/tasks/{task_id}/result/link", { params: { path } });
assert(link.data);
const linked = await fetch(new URL(link.data.url, service.base));
assert.equal(await sha256(await linked.arrayBuffer()), table.result.sha256);
assert(Date.parse(link.data.expires_at) > Date.now());
done("fetched it by a link");

const again = await api.POST("/tasks/{task_id}/cancel", {
  params: { path: { task_id: slow.task_id } },
});
assert(again.error?.code === "task_finished");
assert.equal(again.error.task.state, "succeeded"); // 409 always has the task
done("was told that it is too late");

const refused = await api.POST("/reports", {
  body: { report: "class_performance", parameters: { class_id: 999_999 } },
});
assert(refused.error?.status === 400);
assert.equal(refused.error.code, "invalid_request");
assert.deepEqual(
  refused.error.errors?.map(({ pointer }) => pointer),
  ["/parameters/class_id"],
);
done("was refused, and told where");

const unknown = await api.GET("/tasks/{task_id}", {
  params: { path: { task_id: crypto.randomUUID() } },
});
assert(unknown.error?.code === "not_found");
assert.notEqual(unknown.error.request_id, "");
done("found nothing where nothing is");

const known = await api.GET("/tasks/{task_id}", { params: { path } });
const etag = known.response.headers.get("ETag");
assert(etag);
const unchanged = await api.GET("/tasks/{task_id}", {
  params: { path, header: { "If-None-Match": etag } },
});
assert.equal(unchanged.response.status, 304);
done("was spared what it knows");

const mine = await api.GET("/tasks", {
  params: { query: { state: "succeeded", page_size: 1 } },
});
assert.equal(mine.data?.results.length, 1);
assert(mine.data.next?.startsWith("/tasks?"));
done("listed its tasks");

await service.refresh();
const ended = await service.logOut();
const late = await api.POST("/auth/token/refresh", {
  body: { refresh: ended.refresh },
});
assert(late.error?.code === "token_not_valid");
const nobody = await api.GET("/reports");
assert(nobody.error?.code === "not_authenticated");
done("refreshed its token, and logged out");
