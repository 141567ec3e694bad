import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Tokens } from '../tokens.ts';
import { scopes, type Scope } from '../vocabulary.ts';
import { Refused } from './refused.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What one must be allowed to come here (default: `read` to look, `submit` to change something). */
    readonly scope?: Scope | 'all' | 'none';
    /** Of a method that an address does not take: those it takes. */
    readonly allow?: string;
  }
  interface FastifyRequest {
    /** What whoever asks may do. */
    scopes: readonly Scope[];
    /** Whether whoever asks may still look: tokens can be revoked while one watches. */
    stillMay(): Promise<boolean>;
  }
}

export interface Guarding {
  /** Seconds after which it is looked again whether who watches still may. */
  readonly beat: number;
  readonly tokens: Tokens;
  /** Has the tokens that were good for work when they were last looked up. */
  readonly workers: Set<string>;
  /** Whether a token is asked for; without, everybody who can reach the server may do everything. */
  readonly required: boolean;
  /** Whether the server can be reached from its own machine only. */
  readonly loopback: boolean;
  /** Names by which it may be called beside its own. */
  readonly hosts: readonly string[];
}

const cookieName = 'pruningbench';
const cookie = (value: string, seconds: number): string =>
  `${cookieName}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}`;
/** Cookie that stands for a token, for a month. */
export const sessionCookie = (token: string): string => cookie(token, 30 * 24 * 3600);
export const noCookie = cookie('', 0);

/**
 * Lets in who may come: by the name that the server was called, by where the request is from, and by token. THREATS.md
 * says against whom, and what is not defended.
 */
export function guard(app: FastifyInstance, { beat, tokens, workers, required, loopback, hosts }: Guarding): void {
  const names = new Set(['localhost', ...hosts.map(host => host.toLowerCase())]);
  if (!loopback) names.add(hostname().toLowerCase()).add(`${hostname().toLowerCase()}.local`);

  /** Whether a name that a browser called the server by is its own: one that an attacker owns may point here too. */
  const isOwn = (name: string): boolean => {
    if (names.has(name)) return true;
    const address = name.replace(/^\[(.*)\]$/, '$1');
    return isIP(address) !== 0 && (!loopback || isLoopback(address));
  };

  app.decorateRequest('scopes');
  app.decorateRequest('stillMay');
  // after the limits, which count those too that are not let in
  app.addHook('preParsing', async (request, reply) => {
    const { host = '', origin } = request.headers;
    const name = nameOf(`http://${host}`);
    if (name === undefined || !isOwn(name))
      throw new Refused(403, 'this server is not called that: --allow-host NAME adds a name', { field: 'host' });
    const { allow, scope = isSafe(request) ? 'read' : 'submit' } = request.routeOptions.config;
    if (allow !== undefined) {
      reply.header('allow', allow);
      throw new Refused(405, `it takes ${allow} only`);
    }
    request.scopes = required ? [] : scopes;
    const token = tokenOf(request);
    if (required && token !== undefined) {
      request.scopes = (await tokens.find(token))?.scopes ?? [];
      if (request.scopes.includes('work')) workers.add(token);
      else workers.delete(token);
    }
    let looked = performance.now();
    request.stillMay = async () => {
      if (!required || performance.now() - looked < 1000 * beat) return true;
      looked = performance.now();
      return token !== undefined && ((await tokens.find(token))?.scopes.includes('read') ?? false);
    };
    const free = scope === 'none' || request.is404;
    if (!free && request.scopes.length === 0)
      throw new Refused(401, token === undefined ? 'a token is needed' : 'the token is not known, or was revoked');
    if (bearerOf(request) === undefined || !required) refuseOthers(request, host, origin);
    if (free) return;
    const needed = scope === 'all' ? scopes : [scope];
    const missing = needed.filter(one => !request.scopes.includes(one));
    if (missing.length > 0) throw new Refused(403, `the token is not for this: it would need ${missing.join(', ')}`);
  });
}

/** The token of a request, if it carries one. */
export const tokenOf = (request: FastifyRequest): string | undefined => bearerOf(request) ?? cookieOf(request);

const bearerOf = ({ headers }: FastifyRequest): string | undefined =>
  /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1];

const cookieOf = ({ headers }: FastifyRequest): string | undefined =>
  headers.cookie
    ?.split(/;\s*/)
    .find(part => part.startsWith(`${cookieName}=`))
    ?.slice(cookieName.length + 1) || undefined;

const isSafe = ({ method }: FastifyRequest): boolean => method === 'GET' || method === 'HEAD';

/** Refuses what another site makes a browser ask: it comes with the cookie, or to a server that asks for no token. */
function refuseOthers(request: FastifyRequest, host: string, origin: string | undefined): void {
  const site = request.headers['sec-fetch-site'];
  if (isSafe(request)) return;
  if (origin === undefined ? site !== undefined && site !== 'same-origin' && site !== 'none' : !isSame(origin, host))
    throw new Refused(403, 'the request is from another site', { field: 'origin' });
  // what a form can send without asking, a browser sends without an origin at times
  const type = request.headers['content-type'];
  if (origin === undefined && request.method === 'POST' && !/^application\/(json|octet-stream)\b/i.test(type ?? ''))
    throw new Refused(415, 'the content type must be application/json', { field: 'content-type' });
}

/** Whether an origin is that of the server; a proxy before it may add TLS. */
function isSame(origin: string, host: string): boolean {
  try {
    return new URL(origin).host === new URL(`http://${host}`).host;
  } catch {
    return false;
  }
}

function nameOf(address: string): string | undefined {
  try {
    const { hostname, username, pathname } = new URL(address);
    return username === '' && pathname === '/' ? hostname.toLowerCase() : undefined;
  } catch {
    return undefined;
  }
}

/** Whether an address, or the name localhost, is of the machine itself. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
