import type { SwaggerOptions } from '@fastify/swagger';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { plainText } from '../plain-text.ts';

/** How the OpenAPI document is made of the routes' schemas, with what holds for all requests. */
export const documentOptions = (version: string, tokensRequired: boolean): SwaggerOptions => ({
  openapi: {
    openapi: '3.1.0',
    info: { title: 'PruningBench', version, description: 'Runs of a structural pruning benchmark.' },
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    ...(tokensRequired ? { security: [{ token: [] }] } : {}),
  },
  transform: document => {
    const { schema, url } = jsonSchemaTransform(document as Parameters<typeof jsonSchemaTransform>[0]);
    if (!schema || schema.hide) return { schema, url };
    const { body, querystring, params, consumes } = schema;
    for (const part of [body, querystring, params]) asPlain(part);
    return {
      url,
      schema: {
        ...schema,
        // one that is read as it comes has no schema
        ...(consumes && !body ? { body: { type: 'string', format: 'binary' } } : {}),
        ...(document.route.config?.scope === 'none' ? { security: [] } : {}),
      },
    };
  },
  transformObject: document => {
    const { openapiObject } = document as { openapiObject: Document };
    for (const operation of Object.values(openapiObject.paths).flatMap(path => Object.values(path))) {
      // a body that may be null may also be left out; without a token, who sends one shows that no form did (`guard.ts`)
      const schema = operation.requestBody?.content['application/json']?.schema;
      if (tokensRequired && schema?.anyOf?.some(({ type }) => type === 'null')) operation.requestBody!.required = false;
    }
    return openapiObject as object;
  },
});

/** As much of an OpenAPI document as is changed here. */
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}
interface Operation {
  readonly requestBody?: {
    required: boolean;
    readonly content: Readonly<Record<string, { readonly schema: { readonly anyOf?: readonly { type?: string }[] } }>>;
  };
}

/** Says of all text in a schema of requests that is not bound otherwise what `validation.ts` takes. */
function asPlain(schema: unknown): void {
  if (typeof schema !== 'object' || schema === null) return;
  // TypeScript's; OpenAPI's is of fields that no request has
  delete (schema as { readOnly?: boolean }).readOnly;
  const { type, pattern, enum: names } = schema as { type?: unknown; pattern?: string; enum?: unknown };
  if (type === 'string' && names === undefined && !pattern?.startsWith('^'))
    Object.assign(schema, pattern === undefined ? { pattern: plainText } : { allOf: [{ pattern: plainText }] });
  for (const part of Object.values(schema)) asPlain(part);
}
