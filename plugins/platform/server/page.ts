import { existsSync } from 'node:fs';
import { join } from 'node:path';
import files from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { notFound } from './refused.ts';

/** Serves the page from the folder it was built in; where it was not, says so. */
export async function servePage(app: FastifyInstance, folder: string): Promise<void> {
  const built = existsSync(join(folder, 'index.html'));
  app.setNotFoundHandler({ preHandler: app.rateLimit() }, () => {
    throw notFound('such address');
  });
  if (built)
    await app.register(async page => {
      // it has nothing of anybody's, and is where one signs in
      page.addHook('onRoute', route => void (route.config = { ...route.config, scope: 'none' }));
      await page.register(files, {
        root: folder,
        cacheControl: false,
        etag: true,
        index: 'index.html',
        dotfiles: 'ignore',
      });
    });
  else
    app.get('/', { config: { scope: 'none' }, schema: { hide: true } as object }, (_request, reply) =>
      reply
        .code(503)
        .type('text/plain; charset=utf-8')
        .send('The page was not built: npm run build makes it. Everything it shows can also be asked for at /api.\n'),
    );
}
