import { z } from 'zod';

/** Of a path with an id in it. */
export const byId = z.strictObject({ id: z.string().regex(/^[0-9a-f]{12}$/) });

/** Of requests that say everything by their address. */
export const noBody = z.strictObject({}).nullish();
