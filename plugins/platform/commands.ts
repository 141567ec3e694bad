import type { Commands } from '../../kernel/cli/commands.ts';

/** The platform's commands. */
export const commands: Commands = {
  serve: {
    summary: 'serve the platform: choose, run, watch and compare in the browser',
    load: async () => (await import('./server/serve.ts')).serve,
  },
  token: {
    summary: 'make, list and revoke tokens for a server that others can reach',
    load: async () => (await import('./server/token.ts')).token,
  },
  worker: {
    summary: 'take runs off the queue of a server and make them',
    load: async () => (await import('./worker/command.ts')).worker,
  },
};
