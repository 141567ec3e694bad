import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { CatalogueInfo, ModelInfo } from '../api.ts';
import { uploadPrefix } from '../vocabulary.ts';
import type { Loaded } from './http.ts';

export const Catalogue = createContext<CatalogueInfo | undefined>(undefined);

/** Models that people have uploaded. */
export const Uploads = createContext<Loaded<{ readonly models: readonly ModelInfo[] }> | undefined>(undefined);

export const useUploads = (): Loaded<{ readonly models: readonly ModelInfo[] }> => useContext(Uploads)!;

/** What a model in a plan is called that somebody uploaded. */
export const upload = (id: string): string => uploadPrefix + id;

/** Names of models, those of uploaded ones are the names of their files. */
export function useModelName(): (model: string) => string {
  const { data } = useUploads();
  return model => data?.models.find(({ id }) => upload(id) === model)?.name ?? model;
}

/** Everything that can be chosen. */
export function useCatalogue(): CatalogueInfo {
  const catalogue = useContext(Catalogue);
  if (!catalogue) throw new Error('no catalogue yet');
  return catalogue;
}
