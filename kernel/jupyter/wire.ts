import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto';

/** Version of the Jupyter message protocol that is spoken. */
export const protocolVersion = '5.4';

/** Contents of a connection file. */
export interface ConnectionInfo {
  readonly transport: string;
  readonly ip: string;
  readonly key: string;
  readonly signature_scheme: string;
  readonly shell_port: number;
  readonly iopub_port: number;
  readonly stdin_port: number;
  readonly control_port: number;
  readonly hb_port: number;
  readonly kernel_name?: string;
}

export interface Header {
  readonly msg_id: string;
  readonly msg_type: string;
  readonly session: string;
  readonly username: string;
  readonly date: string;
  readonly version: string;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- contents differ by message type and come from outside
export type Content = Record<string, any>;

export interface Message {
  /** Routing identities of a ROUTER socket, or the topic of a PUB socket. */
  readonly identities: readonly Uint8Array[];
  readonly header: Header;
  readonly parent: Partial<Header>;
  readonly metadata: Record<string, unknown>;
  readonly content: Content;
}

const delimiter = '<IDS|MSG>';

export function newHeader(type: string, session: string): Header {
  const date = new Date().toISOString();
  return { msg_id: randomUUID(), msg_type: type, session, username: 'kernel', date, version: protocolVersion };
}

const sign = (key: string, parts: readonly (string | Uint8Array)[]): string => {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest('hex');
};

/** Frames of a message, signed with `key`. */
export function encode(message: Message, key: string): (string | Uint8Array)[] {
  const parts = [message.header, message.parent, message.metadata, message.content].map(part => JSON.stringify(part));
  return [...message.identities, delimiter, key ? sign(key, parts) : '', ...parts];
}

/** Message of some frames. Throws where they are no message or the signature is wrong. */
export function decode(frames: readonly Uint8Array[], key: string): Message {
  const buffers = frames.map(frame => Buffer.from(frame));
  const at = buffers.findIndex(frame => frame.toString('latin1') === delimiter);
  if (at < 0) throw new Error('message without delimiter');
  const [signature, ...rest] = buffers.slice(at + 1);
  const parts = rest.slice(0, 4);
  if (!signature || parts.length < 4) throw new Error(`message of ${parts.length} parts, needs 4`);
  if (key) {
    const expected = Buffer.from(sign(key, parts));
    if (expected.length !== signature.length || !timingSafeEqual(expected, signature)) throw new Error('bad signature');
  }
  const [header, parent, metadata, content] = parts.map(part => JSON.parse(part.toString('utf8')) as Content);
  return {
    identities: buffers.slice(0, at),
    header: header as Header,
    parent: parent as Partial<Header>,
    metadata: metadata!,
    content: content!,
  };
}

/** Address of a port, as zeromq wants it. */
export const address = (info: ConnectionInfo, port: number): string =>
  `${info.transport}://${info.ip}${info.transport === 'ipc' ? '-' : ':'}${port}`;
