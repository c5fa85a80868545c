// Client of the service for a web page: the generated types, one client, one user.
import createClient from "openapi-fetch";

import type { components, paths } from "./schema.js";

export type Task = components["schemas"]["TaskDocument"];
export type ReportRequest = components["schemas"]["ReportRequest"];
export type Row = components["schemas"]["Row"];
type Tokens = components["schemas"]["TokenPair"];

export class Service {
  readonly api;
  private tokens: Tokens | undefined;

  constructor(readonly base: string) {
    this.api = createClient<paths>({
      baseUrl: base,
      headers: { "Accept-Language": "en" },
      // Several values are separated by commas: `state=queued,running`.
      querySerializer: { array: { style: "form", explode: false } },
    });
    this.api.use({
      onRequest: ({ request }) => {
        if (this.tokens) {
          request.headers.set("Authorization", `Bearer ${this.tokens.access}`);
        }
        return request;
      },
    });
  }

  async logIn(username: string, password: string): Promise<void> {
    const { data, error } = await this.api.POST("/auth/token", {
      body: { username, password },
    });
    if (error) throw new Error(`${error.code}: ${error.detail}`);
    this.tokens = data;
  }

  async refresh(): Promise<void> {
    if (!this.tokens) throw new Error("Nobody is logged in.");
    const { data, error } = await this.api.POST("/auth/token/refresh", {
      body: { refresh: this.tokens.refresh },
    });
    if (error) throw new Error(`${error.code}: ${error.detail}`);
    this.tokens = data;
  }

  async logOut(): Promise<Tokens> {
    if (!this.tokens) throw new Error("Nobody is logged in.");
    const tokens = this.tokens;
    const { error } = await this.api.POST("/auth/logout", {
      body: { refresh: tokens.refresh },
    });
    if (error) throw new Error(`${error.code}: ${error.detail}`);
    this.tokens = undefined;
    return tokens;
  }

  /** Submit a report and wait up to `seconds` for it; the task may be final by then. */
  async requestReport(body: ReportRequest, seconds = 20): Promise<Task> {
    const { data, error } = await this.api.POST("/reports", {
      params: {
        header: {
          Prefer: `wait=${seconds}`,
          "Idempotency-Key": crypto.randomUUID(),
        },
      },
      body,
    });
    if (error) throw new Error(`${error.code}: ${error.detail}`);
    return data;
  }

  /** Poll the task until it is final; `onUpdate` receives each document. */
  async waitUntilFinal(task_id: string, onUpdate: (task: Task) => void): Promise<Task> {
    for (;;) {
      const { data, error } = await this.api.GET("/tasks/{task_id}", {
        params: { path: { task_id } },
      });
      if (error) throw new Error(`${error.code}: ${error.detail}`);
      onUpdate(data);
      const pause = data.poll_after_ms;
      if (pause === null) return data;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

/** Text that a page shows for a task; does not compile unless every state is handled. */
export function describe(task: Task): string {
  switch (task.state) {
    case "queued":
      return task.queue ? `${task.state_label}: ${task.queue.position}` : task.state_label;
    case "running":
      return task.progress.percent === null
        ? task.state_label
        : `${task.state_label}: ${task.progress.percent} %`;
    case "succeeded":
      return task.result?.summary ?? task.state_label;
    case "failed":
      return task.error?.code === "internal"
        ? `${task.error.detail} ${task.error.reference ?? ""}`
        : (task.error?.detail ?? task.state_label);
    case "canceled":
    case "expired":
      return task.state_label;
    default:
      return stillRunning(task.state, task);
  }
}

// Unknown state of a later release: the contract requires treating it as still running.
function stillRunning(_state: never, task: Task): string {
  return `${task.state_label} ...`;
}
