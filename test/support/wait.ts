import assert from 'node:assert/strict';

const PAUSE_MS_MIN = 20;
const PAUSE_MS_MAX = 500;

/**
 * Waits until a condition holds; fails with `what` after `deadlineMs`. For real processes and sockets only. Looks every 20 ms, and where a look takes
 * longer than that pauses as long as it took: who starts a program to look leaves half of the time to what is waited for.
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = 15_000,
): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const lookedAt = Date.now();
    if (await condition()) return;
    assert.ok(Date.now() < deadline, `waited ${deadlineMs} ms in vain until ${what}`);
    const pauseMs = Math.min(Math.max(Date.now() - lookedAt, PAUSE_MS_MIN), PAUSE_MS_MAX);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
