/** Life of a long-lived part: making it has no effects, `start` begins, `stop` resolves when everything is closed. */
export interface Startable {
  start(): Promise<void>;
  stop(): Promise<void>;
}
