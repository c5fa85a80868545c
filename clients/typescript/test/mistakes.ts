// Code that must not compile: with looser types, each @ts-expect-error would be an error.
import type { components } from "../src/schema.js";
import type { ReportRequest, Task } from "../src/service.js";

type Problem = components["schemas"]["Problem404"];
type Entry = components["schemas"]["CatalogueEntry"];

export const kind: ReportRequest = {
  // @ts-expect-error there is no such report
  report: "class_preformance",
};
export const parameter: ReportRequest = {
  report: "report_card",
  // @ts-expect-error the term is a parameter of another report
  parameters: { term: 1 },
};
export const format: ReportRequest = {
  report: "report_card",
  // @ts-expect-error there is no such format
  format: "xls",
};
export const language: ReportRequest = {
  report: "report_card",
  // @ts-expect-error there is no such language
  language: "fr",
};
export function state(task: Task): boolean {
  // @ts-expect-error there is no such state
  return task.state === "done";
}
export function rows(task: Task): number {
  // @ts-expect-error only a succeeded task has a result
  return task.result.rows;
}
export function first(task: Task): unknown {
  // @ts-expect-error the rows are included only if they are few
  return task.result?.data[0];
}
export function failure(task: Task): boolean {
  // @ts-expect-error there is no such error code
  return task.error?.code === "out_of_luck";
}
export function code(problem: Problem): boolean {
  // @ts-expect-error no problem of that status has this code
  return problem.code === "purged";
}
export function example(entry: Entry): string {
  // @ts-expect-error the example is a request and has no title
  return entry.example.title;
}
