// The service as a web page would hold it: the generated types, one client, one user.
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
    const ended = this.tokens;
    const { error } = await this.api.POST("/auth/logout", {
      body: { refresh: ended.refresh },
    });
    if (error) throw new Error(`${error.code}: ${error.detail}`);
    this.tokens = undefined;
    return ended;
  }

  /** Ask, and wait for the answer up to some seconds: it may have ended by then. */
  async ask(body: ReportRequest, seconds = 20): Promise<Task> {
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

  /** Follow the task to its end; `told` hears of each document on the way. */
  async ended(task_id: string, told: (task: Task) => void): Promise<Task> {
    for (;;) {
      const { data, error } = await this.api.GET("/tasks/{task_id}", {
        params: { path: { task_id } },
      });
      if (error) throw new Error(`${error.code}: ${error.detail}`);
      told(data);
      const pause = data.poll_after_ms;
      if (pause === null) return data;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

/** What a page shows of a task: each state has its words, or this does not compile. */
export function inWords(task: Task): string {
  switch (task.state) {
    case "queued":
      return task.queue ? `number ${task.queue.position} in line` : "in line";
    case "running":
      return task.progress.percent === null
        ? task.progress.stage
        : `${task.progress.percent} %`;
    case "succeeded":
      return task.result?.summary ?? `${task.result?.rows ?? 0} rows`;
    case "failed":
      return task.error?.code === "internal"
        ? `our fault: ${task.error.reference ?? ""}`
        : (task.error?.detail ?? "");
    case "canceled":
    case "expired":
      return task.state;
    default:
      return stillRunning(task.state);
  }
}

// A state that a later release adds: the contract asks to treat it as still running.
function stillRunning(state: never): string {
  return `${state} ...`;
}
