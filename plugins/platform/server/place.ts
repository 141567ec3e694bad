import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Io } from '../../../kernel/cli/io.ts';
import type { Database } from '../database/database.ts';
import { openDatabase } from '../database/open.ts';

/** Where a server's data are, for the commands that work with them. */
export const placeOptions = z.object({
  data: z
    .string()
    .default('pruningbench-data')
    .describe('folder for the embedded database and files; made where there is none'),
  databaseUrl: z
    .string()
    .optional()
    .describe('a PostgreSQL server instead, postgres://... (default: what PRUNINGBENCH_DATABASE_URL says)'),
});
export type Place = z.infer<typeof placeOptions>;

/** The database of a place. Throws where another process has the folder. */
export const databaseAt = ({ data, databaseUrl }: Place, { env }: Io): Promise<Database> => {
  const url = databaseUrl ?? env['PRUNINGBENCH_DATABASE_URL'];
  return openDatabase(url ? { url } : { folder: join(resolve(data), 'database') });
};
