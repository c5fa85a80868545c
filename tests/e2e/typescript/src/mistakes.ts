// What must not compile: were the contract looser, each of these lines would be an error.
import type { components } from "./schema.js";
import type { ReportRequest, Task } from "./service.js";

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
  // @ts-expect-error there is a result in one state alone
  return task.result.rows;
}
export function first(task: Task): unknown {
  // @ts-expect-error the rows are only there where they are few
  return task.result?.data[0];
}
export function failure(task: Task): boolean {
  // @ts-expect-error no report fails in that way
  return task.error?.code === "out_of_luck";
}
export function code(problem: Problem): boolean {
  // @ts-expect-error no problem of that status is called so
  return problem.code === "purged";
}
export function example(entry: Entry): string {
  // @ts-expect-error the example is a request, and has no title
  return entry.example.title;
}
