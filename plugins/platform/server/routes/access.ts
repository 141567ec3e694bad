import { z } from 'zod';
import { newToken, sessionRequest, sessionSchema, tokenRequest, tokensSchema } from '../../api.ts';
import type { Token } from '../../tokens.ts';
import { noCookie, sessionCookie } from '../guard.ts';
import { notFound, Refused } from '../refused.ts';
import type { Api, Parts } from '../server.ts';
import { byId } from './by-id.ts';

/** Who may come. */
export function access(api: Api, { tokens, tokensRequired }: Parts): void {
  const open = { scope: 'none' } as const;

  api.get(
    '/session',
    { config: open, schema: { summary: 'What whoever asks may do', response: { 200: sessionSchema } } },
    async ({ scopes }) => ({ required: tokensRequired, scopes: [...scopes] }),
  );

  api.post(
    '/session',
    {
      config: { ...open, rateLimit: { max: 20, timeWindow: '1 minute' } },
      schema: { summary: 'Signs in by cookie', body: sessionRequest, response: { 200: sessionSchema } },
    },
    async ({ body: { token } }, reply) => {
      const found = await tokens.find(token);
      if (!found) throw new Refused(401, 'the token is not known, or was revoked', { field: 'token' });
      reply.header('set-cookie', sessionCookie(token));
      return { required: tokensRequired, scopes: found.scopes };
    },
  );

  api.delete(
    '/session',
    { config: open, schema: { summary: 'Signs out', response: { 204: z.null() } } },
    async (_request, reply) => reply.code(204).header('set-cookie', noCookie).send(null),
  );

  api.get(
    '/tokens',
    { config: { scope: 'all' }, schema: { summary: 'Tokens, newest first', response: { 200: tokensSchema } } },
    async () => ({ tokens: (await tokens.list()).map(info) }),
  );

  api.post(
    '/tokens',
    {
      config: { scope: 'all' },
      schema: { summary: 'Makes a token, which is told this once', body: tokenRequest, response: { 201: newToken } },
    },
    async ({ body: { name, scopes } }, reply) => {
      const { token, ...made } = await tokens.create(name, scopes);
      return reply.code(201).send({ ...info(made), token });
    },
  );

  api.delete(
    '/tokens/:id',
    {
      config: { scope: 'all' },
      schema: { summary: 'Revokes a token', params: byId, response: { 204: z.null() } },
    },
    async ({ params: { id } }, reply) => {
      if (!(await tokens.revoke(id))) throw notFound(`token ${id}`);
      return reply.code(204).send(null);
    },
  );
}

const info = ({ created, used, revoked, ...token }: Token) => ({
  ...token,
  created: created.toISOString(),
  used: used?.toISOString() ?? null,
  revoked: revoked?.toISOString() ?? null,
});
