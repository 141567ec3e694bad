import type { Commands } from '../../kernel/cli/commands.ts';

/** The platform's commands. */
export const commands: Commands = {
  worker: {
    summary: 'take runs off the queue of a server and make them',
    load: async () => (await import('./worker/command.ts')).worker,
  },
};
