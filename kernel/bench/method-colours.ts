/** Dark enough for white digits, one for each of the paper's methods and one more. */
const colours =
  '#3f6fa3 #d9730d #3f8f4f #c9403f #2f8f8b #8e5aa0 #7d5a45 #c2557c #6b7280 #a3831a #1f3f66 #5b8f1f #a14a1f #4b3fa3 #0f5a3a #8a1f4b #b06fd0 #4a90c2'.split(
    ' ',
  );
const taken = new Map<string, string>();

/**
 * Encodes methods by colours that each keeps in all charts of this process, which is a notebook or a page. Those that no
 * chart had before take the next ones, in the order of their names.
 */
export function byMethod(rows: readonly { readonly method: string }[]) {
  const domain = [...new Set(rows.map(({ method }) => method))].sort();
  for (const method of domain) if (!taken.has(method)) taken.set(method, colours[taken.size % colours.length]!);
  return { field: 'method', type: 'nominal', scale: { domain, range: domain.map(method => taken.get(method)!) } };
}
