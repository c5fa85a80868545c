// A client's session from login to logout. Prints each completed step.
import assert from "node:assert/strict";

import { describe, Service, type Row } from "../src/service.js";

function requiredEnv(name: string): string {
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

function logStep(step: string): void {
  console.log(step);
}

const service = new Service(requiredEnv("BASE"));
const { api } = service;

await service.logIn("teacher", "demo");
logStep("logged in");

const catalogue = await api.GET("/reports");
assert(catalogue.data);
const offered = catalogue.data.results.find(
  ({ report }) => report === "class_performance",
);
assert(offered);
assert(offered.formats.some(({ format }) => format === "csv"));
logStep("read the catalogue");

const descriptions = new Set<string>();
const slow = await service.waitUntilFinal(requiredEnv("SLOW_TASK"), (update) =>
  descriptions.add(describe(update)),
);
assert.equal(slow.state, "succeeded");
assert(descriptions.size > 1, [...descriptions].join());
logStep("waited for a slow report");

const long = { task_id: requiredEnv("LONG_TASK") };
const canceled = await api.POST("/tasks/{task_id}/cancel", {
  params: { path: long },
});
assert.equal(canceled.response.status, 202);
const stoppedTask = await service.waitUntilFinal(long.task_id, () => undefined);
assert.equal(stoppedTask.state, "canceled");
assert.equal(describe(stoppedTask), stoppedTask.state_label);
logStep("canceled a running report");

// The example is a complete request and has its type.
const task = await service.requestReport(offered.example);
assert.equal(task.state, "succeeded", describe(task));
logStep("submitted a report with wait");

const rows = task.result?.data;
assert(rows && rows.length === task.result?.rows);
const mean = meanOf(rows);
assert(mean > 0 && mean <= 10, `a mean of ${mean}`);
logStep("read its rows");

const table = await service.requestReport({
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
logStep("downloaded its file");

const link = await api.POST("/tasks/{task_id}/result/link", { params: { path } });
assert(link.data);
const linked = await fetch(new URL(link.data.url, service.base));
assert.equal(await sha256(await linked.arrayBuffer()), table.result.sha256);
assert(Date.parse(link.data.expires_at) > Date.now());
logStep("downloaded it by a signed link");

const again = await api.POST("/tasks/{task_id}/cancel", {
  params: { path: { task_id: slow.task_id } },
});
assert(again.error?.code === "task_finished");
assert.equal(again.error.task.state, "succeeded"); // a 409 always contains the task
logStep("got 409 for a finished task");

const refused = await api.POST("/reports", {
  body: { report: "class_performance", parameters: { class_id: 999_999 } },
});
assert(refused.error?.status === 400);
assert.equal(refused.error.code, "invalid_request");
assert.deepEqual(
  refused.error.errors?.map(({ pointer }) => pointer),
  ["/parameters/class_id"],
);
logStep("got 400 with the pointer of the error");

const unknown = await api.GET("/tasks/{task_id}", {
  params: { path: { task_id: crypto.randomUUID() } },
});
assert(unknown.error?.code === "not_found");
assert.notEqual(unknown.error.request_id, "");
logStep("got 404 for an unknown task");

const known = await api.GET("/tasks/{task_id}", { params: { path } });
const etag = known.response.headers.get("ETag");
assert(etag);
const unchanged = await api.GET("/tasks/{task_id}", {
  params: { path, header: { "If-None-Match": etag } },
});
assert.equal(unchanged.response.status, 304);
logStep("got 304 for a known task");

const mine = await api.GET("/tasks", {
  params: { query: { state: ["succeeded", "failed"], page_size: 1 } },
});
assert.equal(mine.data?.results.length, 1);
assert(mine.data.next?.startsWith("/tasks?"));
logStep("listed its tasks");

await service.refresh();
const oldTokens = await service.logOut();
const late = await api.POST("/auth/token/refresh", {
  body: { refresh: oldTokens.refresh },
});
assert(late.error?.code === "token_not_valid");
const nobody = await api.GET("/reports");
assert(nobody.error?.code === "not_authenticated");
logStep("refreshed its token and logged out");
