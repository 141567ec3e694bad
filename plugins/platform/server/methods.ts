import type { FastifyInstance } from 'fastify';

/** Notes the routes that come; what is returned makes their addresses refuse all other methods. */
export function noteMethods(app: FastifyInstance): () => void {
  const taken = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ routePath, method }) => {
    const methods = taken.get(routePath) ?? new Set();
    taken.set(routePath, methods);
    for (const one of [method].flat()) methods.add(one);
  });
  return () => {
    for (const [url, methods] of [...taken])
      app.route({
        method: app.supportedMethods.filter(method => !methods.has(method)),
        url,
        config: { allow: [...methods].sort().join(', ') },
        schema: { hide: true } as object,
        handler: () => {},
      });
  };
}
