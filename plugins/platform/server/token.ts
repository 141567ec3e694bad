import type { Command } from 'commander';
import { z } from 'zod';
import type { Context, Describe } from '../../../kernel/cli/command.ts';
import { addFlags, readFlags, type Given } from '../../../kernel/cli/flags.ts';
import { example } from '../../../kernel/cli/help.ts';
import { json } from '../../../kernel/text/json.ts';
import { table } from '../../../kernel/text/table.ts';
import { scopes } from '../vocabulary.ts';
import { Tokens } from '../tokens.ts';
import { databaseAt, placeOptions } from './place.ts';

const createOptions = placeOptions.extend({
  scopes: z
    .array(z.enum(scopes))
    .min(1)
    .default(['read', 'submit'])
    .describe('what it is good for, of read, submit and work; all three manage tokens'),
});

/** Manages tokens. */
export const token: Describe = (command, context) => {
  describeCreate(command.command('create').description('make a token, which is told this once'), context);
  describeList(command.command('list').description('list tokens, newest first'), context);
  describeRevoke(command.command('revoke').description('end a token for good'), context);
  example(command, 'pruningbench token create "A. Name" --database-url postgres://lab@db.example/pruningbench');
};

function describeCreate(command: Command, { io }: Context): void {
  command.argument('<name>', 'who or what it is for');
  addFlags(command, createOptions);
  example(
    command,
    'pruningbench token create dashboard --scopes read',
    'pruningbench token create gpu-1 --scopes work',
  );
  command.action(async (name: string, given: Given) => {
    const { scopes, ...place } = readFlags(createOptions, given);
    await withTokens(place, io, async tokens => {
      const { id, token } = await tokens.create(name, scopes);
      io.out(given['json'] ? json({ id, name, scopes, token }) : `${token}\n`);
      if (!given['json']) io.err(`token ${id}, for ${scopes.join(', ')}; it is shown this once\n`);
    });
  });
}

function describeList(command: Command, { io }: Context): void {
  addFlags(command, placeOptions);
  example(command, 'pruningbench token list');
  command.action(async (given: Given) => {
    await withTokens(readFlags(placeOptions, given), io, async tokens => {
      const list = await tokens.list();
      if (given['json']) return io.out(json(list));
      const day = (time: Date | null) => time?.toISOString().slice(0, 10) ?? '';
      const rows = list.map(({ id, name, scopes, created, used, revoked }) => [
        id,
        name,
        scopes.join(' '),
        day(created),
        day(used),
        day(revoked),
      ]);
      io.out(`${table(['id', 'name', 'scopes', 'created', 'used', 'revoked'], rows)}\n`);
    });
  });
}

function describeRevoke(command: Command, { io }: Context): void {
  command.argument('<id>', 'id of the token');
  addFlags(command, placeOptions);
  example(command, 'pruningbench token revoke 0123456789ab');
  command.action(async (id: string, given: Given) => {
    await withTokens(readFlags(placeOptions, given), io, async tokens => {
      if (!(await tokens.revoke(id))) throw new Error(`there is no token ${id}`);
      io.out(given['json'] ? json({ id, revoked: true }) : `token ${id} is revoked\n`);
    });
  });
}

async function withTokens(
  place: Parameters<typeof databaseAt>[0],
  io: Parameters<typeof databaseAt>[1],
  work: (tokens: Tokens) => Promise<void>,
): Promise<void> {
  const database = await databaseAt(place, io);
  try {
    await work(new Tokens(database));
  } finally {
    await database.close();
  }
}
