import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { CatalogueInfo } from '../api.ts';

export const Catalogue = createContext<CatalogueInfo | undefined>(undefined);

/** Everything that can be chosen. */
export function useCatalogue(): CatalogueInfo {
  const catalogue = useContext(Catalogue);
  if (!catalogue) throw new Error('no catalogue yet');
  return catalogue;
}
