import { Readable } from 'node:stream';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { modelInfo, modelsSchema, nameOf } from '../../api.ts';
import { modelKey, NotStored } from '../../store/store.ts';
import { notFound, Refused } from '../refused.ts';
import type { Api, Parts } from '../server.ts';
import { uploadInfo } from '../uploads.ts';
import { byId } from './by-id.ts';
import { attached, binary, file } from './downloads.ts';

/** Models that people have brought. */
export function models(api: Api, { uploads, store }: Parts): void {
  api.get(
    '/models',
    { schema: { summary: 'Uploaded models, newest first', response: { 200: modelsSchema } } },
    async () => ({ models: (await uploads.list()).map(uploadInfo) }),
  );

  void api.register(async scope => {
    const api = scope.withTypeProvider<ZodTypeProvider>();
    // not read here: it goes to a file as it comes
    api.removeAllContentTypeParsers();
    api.addContentTypeParser('application/octet-stream', (_request, body, done) => done(null, body));
    api.post(
      '/models',
      {
        schema: {
          summary: 'Uploads a model, an ONNX file or one that the library has written',
          consumes: ['application/octet-stream'],
          querystring: z.strictObject({ name: nameOf(200) }),
          response: { 200: modelInfo, 201: modelInfo },
        },
      },
      async ({ query, body }, reply) => {
        // without a type nothing is there to be read
        if (!(body instanceof Readable)) throw new Refused(400, 'the file is empty');
        const { upload, again } = await uploads.take(query.name, body);
        return reply.code(again ? 200 : 201).send(uploadInfo(upload));
      },
    );
  });

  const one = async (id: string) => {
    const found = await uploads.find(id);
    if (!found) throw notFound(`model ${id}`);
    return found;
  };

  api.get(
    '/models/:id/file',
    {
      schema: {
        summary: 'The file of one',
        params: byId,
        response: file('The file', binary),
      },
    },
    async ({ params: { id } }, reply) => {
      const { name, sha256, bytes } = await one(id);
      const body = await store.read(modelKey(sha256)).catch((error: Error) => {
        throw error instanceof NotStored ? notFound(`file of model ${id} any more`) : error;
      });
      reply.header('content-length', bytes).header('etag', `"${sha256}"`);
      return attached(reply, body, `${id}-${name.replace(/[^\w.]+/g, '-').slice(-80)}`);
    },
  );

  api.delete(
    '/models/:id',
    { schema: { summary: 'Removes one', params: byId, response: { 204: z.null() } } },
    async ({ params: { id } }, reply) => {
      if (!(await uploads.remove(id))) throw notFound(`model ${id}`);
      return reply.code(204).send(null);
    },
  );
}
