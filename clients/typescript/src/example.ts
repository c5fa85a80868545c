// Example of the generated client: log in, request a report, follow it, download it.
import { Service } from "./service.js";

const base = process.env["BASE"];
if (!base) throw new Error("BASE is not set: the address of the service.");
const service = new Service(base);
await service.logIn("teacher", "demo");

const requested = await service.requestReport(
  { report: "class_performance", parameters: { class_id: 1 }, format: "csv" },
  0,
);
const task = await service.waitUntilFinal(requested.task_id, ({ state }) =>
  console.error(state),
);
if (task.state !== "succeeded" || !task.result) {
  throw new Error(`The task ended as ${task.state}.`);
}

const file = await service.api.GET("/tasks/{task_id}/result", {
  params: { path: { task_id: task.task_id } },
  parseAs: "arrayBuffer",
});
if (!file.data) throw new Error(`${file.error.code}: ${file.error.detail}`);
const digest = await crypto.subtle.digest("SHA-256", file.data);
if (Buffer.from(digest).toString("hex") !== task.result.sha256) {
  throw new Error("The file is not complete.");
}
console.log(task.title, "·", task.about);
console.log(task.result.filename, file.data.byteLength, "bytes");

const missing = await service.api.GET("/tasks/{task_id}", {
  params: { path: { task_id: crypto.randomUUID() } },
});
console.log(missing.error?.code);
