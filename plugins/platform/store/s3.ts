import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type * as Sdk from '@aws-sdk/client-s3';
import { writeAtomically } from '../../../kernel/train/write-atomically.ts';
import { checkKey, NotStored, type Store } from './store.ts';

/**
 * A store in a bucket of S3 or of a server that speaks its protocol. Address, region and credentials are where AWS's own
 * tools look for them: AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and so on.
 */
export class S3Store implements Store {
  readonly #sdk: typeof Sdk;
  readonly #client: Sdk.S3Client;
  readonly #bucket: string;
  readonly #prefix: string;

  private constructor(sdk: typeof Sdk, bucket: string, prefix: string) {
    const { env } = process;
    this.#sdk = sdk;
    this.#client = new sdk.S3Client({
      region: env['AWS_REGION'] || env['AWS_DEFAULT_REGION'] || 'us-east-1',
      // only AWS itself has a host name for every bucket
      forcePathStyle: Boolean(env['AWS_ENDPOINT_URL_S3'] || env['AWS_ENDPOINT_URL']),
      // others do not know AWS's newer checksums; what is read is checked by its SHA-256
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: { connectionTimeout: 10_000, socketTimeout: 60_000 },
    });
    this.#bucket = bucket;
    this.#prefix = prefix === '' ? '' : `${prefix}/`;
  }

  /** Throws where the client, an optional dependency, is not installed, or the bucket cannot be read. */
  static async open(bucket: string, prefix: string): Promise<S3Store> {
    const sdk = await import('@aws-sdk/client-s3').catch((cause: unknown) => {
      throw new Error('a store in S3 needs the package @aws-sdk/client-s3: npm install @aws-sdk/client-s3', { cause });
    });
    const store = new S3Store(sdk, bucket, prefix);
    try {
      await store.#client.send(new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: store.#prefix, MaxKeys: 1 }));
    } catch (cause) {
      throw new Error(`store s3://${bucket}: ${(cause as Error).message}`, { cause });
    }
    return store;
  }

  async put(key: string, path: string): Promise<void> {
    // opened before it is a stream: nobody would hear of its error yet
    const file = await open(path);
    const { size } = await file.stat();
    const Body = file.createReadStream();
    try {
      await this.#client.send(new this.#sdk.PutObjectCommand({ ...this.#at(key), Body, ContentLength: size }));
    } finally {
      Body.destroy();
    }
  }

  async get(key: string, path: string): Promise<void> {
    await writeAtomically(path, await this.read(key));
  }

  async read(key: string): Promise<Readable> {
    try {
      const { Body } = await this.#client.send(new this.#sdk.GetObjectCommand(this.#at(key)));
      return Body as Readable;
    } catch (error) {
      if (error instanceof this.#sdk.NoSuchKey) throw new NotStored(`nothing is stored under ${key}`, { cause: error });
      throw error;
    }
  }

  async list(prefix: string): Promise<string[]> {
    const pages = this.#sdk.paginateListObjectsV2(
      { client: this.#client },
      { Bucket: this.#bucket, Prefix: this.#prefix + prefix },
    );
    const keys: string[] = [];
    for await (const { Contents } of pages)
      for (const { Key } of Contents ?? []) keys.push(Key!.slice(this.#prefix.length));
    return keys.sort();
  }

  async remove(key: string): Promise<void> {
    await this.#client.send(new this.#sdk.DeleteObjectCommand(this.#at(key)));
  }

  #at(key: string): { Bucket: string; Key: string } {
    checkKey(key);
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }
}
