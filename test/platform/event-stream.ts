import { get, type ClientRequest, type IncomingMessage } from 'node:http';

export interface ServerEvent {
  readonly id: string;
  readonly event: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly data: any;
}

/** A stream of server-sent events on a socket of its own, as a browser reads it. */
export class EventStream {
  readonly events: ServerEvent[] = [];
  readonly #request: ClientRequest;
  #response: IncomingMessage | undefined;
  readonly #heard: ((event: ServerEvent) => void) | undefined;
  #changed = () => {};
  #ended = false;

  /** `heard` is told each event as it comes; without it they are kept. */
  constructor(url: string, headers: Record<string, string> = {}, heard?: (event: ServerEvent) => void) {
    this.#heard = heard;
    this.#request = get(url, { headers, agent: false }, response => {
      this.#response = response;
      response.on('error', () => this.#end());
      response.setEncoding('utf8');
      let text = '';
      response.on('data', (chunk: string) => {
        const parts = (text + chunk).split('\n\n');
        text = parts.pop()!;
        for (const part of parts) this.#take(part);
        this.#changed();
      });
      response.on('close', () => this.#end());
      this.#changed();
    });
    this.#request.on('error', () => this.#end());
  }

  /** Takes a message; those that are no event only say that the server is there. */
  #take(message: string): void {
    const lines = message.split('\n').map(line => /^(\w*): ?(.*)$/.exec(line)!.slice(1) as [string, string]);
    const { id, event, data } = Object.fromEntries(lines);
    if (event === undefined) return;
    const told = { id: id!, event, data: JSON.parse(data!) as unknown };
    if (this.#heard) this.#heard(told);
    else this.events.push(told);
  }

  #end(): void {
    this.#ended = true;
    this.#changed();
  }

  async #until(reached: () => boolean): Promise<void> {
    while (!reached()) await new Promise<void>(resolve => (this.#changed = resolve));
  }

  /** Waits for the answer's head. */
  async opened(): Promise<IncomingMessage> {
    await this.#until(() => this.#response !== undefined || this.#ended);
    return this.#response!;
  }

  /** Waits for an event that fits. Throws where the stream ends before. */
  async find(fits: (event: ServerEvent) => boolean): Promise<ServerEvent> {
    await this.#until(() => this.#ended || this.events.some(fits));
    const found = this.events.find(fits);
    if (!found) throw new Error(`the stream ended before it: ${JSON.stringify(this.events).slice(0, 500)}`);
    return found;
  }

  ended(): Promise<void> {
    return this.#until(() => this.#ended);
  }

  close(): void {
    this.#request.destroy();
  }
}
