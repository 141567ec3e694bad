import type { Message } from './wire.ts';

/** Requests in the order in which they came, taken one by one. */
export class Inbox {
  readonly #messages: Message[] = [];
  readonly #doomed = new WeakSet<Message>();
  #wake: (() => void) | undefined;

  add(message: Message): void {
    this.#messages.push(message);
    this.#wake?.();
  }

  /** The next message; `aborted` tells that a cell before it failed. */
  async next(): Promise<{ readonly message: Message; readonly aborted: boolean }> {
    while (!this.#messages.length) await new Promise<void>(resolve => (this.#wake = resolve));
    const message = this.#messages.shift()!;
    return { message, aborted: this.#doomed.has(message) };
  }

  /** Aborts the cells that were sent before the running one failed. */
  async abort(): Promise<void> {
    // what waits in the socket comes in when the event loop turns
    for (let known = -1, turns = 0; turns < 2; turns++) {
      if (known !== this.#messages.length) turns = 0;
      known = this.#messages.length;
      await new Promise(resolve => setImmediate(resolve));
    }
    for (const message of this.#messages) if (message.header.msg_type === 'execute_request') this.#doomed.add(message);
  }
}
