import { randomUUID } from 'node:crypto';
import { Publisher, Router } from 'zeromq';
import { SendQueue } from './send-queue.ts';
import { Streams } from './streams.ts';
import {
  address,
  decode,
  encode,
  newHeader,
  type ConnectionInfo,
  type Content,
  type Header,
  type Message,
} from './wire.ts';

/** The shell, stdin and iopub channels. */
export class Channels {
  readonly session = randomUUID();
  readonly info: ConnectionInfo;
  readonly streams: Streams;
  /** The cell that output belongs to: the one that runs, or else the last one. */
  parent: Header | undefined;
  readonly #shell = new Router();
  readonly #stdin = new Router();
  readonly #iopub = new Publisher({ sendHighWaterMark: 0 });
  readonly #queues = {
    shell: new SendQueue(this.#shell),
    stdin: new SendQueue(this.#stdin),
    iopub: new SendQueue(this.#iopub),
  };

  constructor(info: ConnectionInfo) {
    this.info = info;
    this.streams = new Streams(
      (name, text, parent) => this.#publish('stream', { name, text }, parent),
      () => this.#queues.iopub.burst,
    );
  }

  async bind(): Promise<void> {
    const { info } = this;
    await Promise.all([
      this.#shell.bind(address(info, info.shell_port)),
      this.#stdin.bind(address(info, info.stdin_port)),
      this.#iopub.bind(address(info, info.iopub_port)),
    ]);
  }

  /** Publishes to everyone, after all that was printed before. */
  publish(type: string, content: Content, parent: Partial<Header> | undefined = this.parent): void {
    this.streams.flush();
    this.#publish(type, content, parent);
  }

  #publish(type: string, content: Content, parent: Partial<Header> = {}): void {
    this.#queues.iopub.send(this.#frames([Buffer.from(type)], type, content, parent));
  }

  reply({ identities, header }: Message, content: Content): void {
    this.streams.flush();
    const type = header.msg_type.replace('_request', '_reply');
    this.#queues.shell.send(this.#frames(identities, type, content, header));
  }

  /** Asks the front end that sent `request` for a line. */
  ask({ identities, header }: Message, content: Content): void {
    this.streams.flush();
    this.#queues.stdin.send(this.#frames(identities, 'input_request', content, header));
  }

  #frames(identities: readonly Uint8Array[], type: string, content: Content, parent: Partial<Header>) {
    const header = newHeader(type, this.session);
    return encode({ identities, header, parent, metadata: {}, content }, this.info.key);
  }

  /** Hands over each message of a channel; frames that are none are dropped. */
  async receive(channel: 'shell' | 'stdin', handle: (message: Message) => void): Promise<void> {
    for await (const frames of channel === 'shell' ? this.#shell : this.#stdin) {
      let message: Message;
      try {
        message = decode(frames, this.info.key);
      } catch {
        continue;
      }
      handle(message);
    }
  }

  /** Sends what is left, for half a second at most, and closes the sockets. */
  async close(): Promise<void> {
    this.streams.flush();
    const sent = Promise.all(Object.values(this.#queues).map(queue => queue.flush()));
    await Promise.race([sent, new Promise(resolve => setTimeout(resolve, 500))]);
    for (const socket of [this.#shell, this.#stdin, this.#iopub]) socket.close();
  }
}
