import { resolve } from 'node:path';
import { makeFolder } from '../../../kernel/train/write-atomically.ts';
import { FolderStore } from './folder.ts';
import type { Store } from './store.ts';

/** The store that `s3://bucket/prefix` or a folder means. */
export async function openStore(spec: string): Promise<Store> {
  const scheme = /^([a-z][a-z0-9+.-]+):\/\/(.*)$/.exec(spec);
  if (!scheme) {
    if (spec === '') throw new Error('store: no folder');
    const folder = resolve(spec);
    await makeFolder(folder);
    return new FolderStore(folder);
  }
  const [, name, rest = ''] = scheme;
  if (name !== 's3') throw new Error(`store ${spec}: ${name} is none of s3://bucket/prefix and a folder`);
  const [bucket = '', ...prefix] = rest.split('/').filter(Boolean);
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    throw new Error(`store ${spec}: ${bucket || 'nothing'} is no name of a bucket`);
  const { S3Store } = await import('./s3.ts');
  return S3Store.open(bucket, prefix.join('/'));
}
