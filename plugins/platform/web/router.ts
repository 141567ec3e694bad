import { useEffect, useState } from 'preact/hooks';
import { address, parseAddress, type Address } from './address.ts';

const changed = 'addresschange';

/** Where the page is now. */
export function useAddress(): Address {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const read = () => setHash(location.hash);
    addEventListener('hashchange', read);
    addEventListener(changed, read);
    return () => {
      removeEventListener('hashchange', read);
      removeEventListener(changed, read);
    };
  }, []);
  return parseAddress(hash);
}

export const go = (path: readonly string[], query?: Readonly<Record<string, string | undefined>>): void => {
  location.hash = address(path, query);
};

/** Changes what is asked where the page is, in place of what the address said. */
export function ask(changes: Readonly<Record<string, string | undefined>>): void {
  const { path, query } = parseAddress(location.hash);
  history.replaceState(null, '', address(path, { ...query, ...changes }));
  dispatchEvent(new Event(changed));
}
