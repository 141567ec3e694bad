type Frames = (string | Uint8Array)[];

/** What of a zeromq socket is needed to send. */
export interface Sender {
  send(frames: Frames): Promise<void>;
}

/**
 * Sends in order and loses nothing. A zeromq socket has one send in flight and at most 512 synchronous sends in a turn
 * of the event loop; past that it throws.
 */
export class SendQueue {
  readonly #socket: Sender;
  readonly #waiting: Frames[] = [];
  #draining = false;
  #burst = 0;

  constructor(socket: Sender) {
    this.#socket = socket;
  }

  /** Sends since the event loop turned last. */
  get burst(): number {
    return this.#burst;
  }

  send(frames: Frames): void {
    if (this.#burst++ === 0) setImmediate(() => (this.#burst = 0));
    if (!this.#waiting.length && !this.#draining) {
      try {
        this.#socket.send(frames).catch(() => {});
        return;
      } catch {
        // busy: it waits with the others
      }
    }
    this.#waiting.push(frames);
    void this.#drain();
  }

  /** Settles when everything is handed to the socket. */
  async flush(): Promise<void> {
    while (this.#waiting.length || this.#draining) await nextTurn();
  }

  async #drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    while (this.#waiting.length) {
      try {
        await this.#socket.send(this.#waiting[0]!);
        this.#waiting.shift();
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EBUSY' || code === 'EAGAIN') await nextTurn();
        else this.#waiting.shift();
      }
    }
    this.#draining = false;
  }
}

const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));
