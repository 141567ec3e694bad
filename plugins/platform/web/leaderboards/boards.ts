import type { StandingInfo } from '../../api.ts';

/** A model on a data set, and whose results there are. */
export interface Board {
  readonly model: string;
  readonly dataset: string;
  readonly sources: readonly StandingInfo['source'][];
}

export const boardName = ({ model, dataset }: Pick<Board, 'model' | 'dataset'>): string => `${model} on ${dataset}`;

/** The paper's table that a board is held against: the same, one of the same network, or any. */
export function paperTable(
  { model, dataset }: Pick<Board, 'model' | 'dataset'>,
  papers: readonly Board[],
): Board | undefined {
  const network = model.split(' ')[0];
  const same = papers.filter(paper => paper.model === network);
  return (
    same.find(paper => paper.dataset === dataset) ??
    same.find(paper => paper.dataset.startsWith('cifar')) ??
    same[0] ??
    papers[0]
  );
}

/** A method at a speed-up, here and in the paper. */
export interface Beside {
  readonly speedup: number;
  readonly method: string;
  readonly own: StandingInfo | undefined;
  readonly published: StandingInfo | undefined;
}

/** Results beside published ones, at the speed-ups that both have; methods that one side lacks are there, too. */
export function beside(own: readonly StandingInfo[], published: readonly StandingInfo[]): Beside[] {
  const speedups = [...new Set(own.map(({ speedup }) => speedup))]
    .filter(speedup => published.some(row => row.speedup === speedup))
    .sort((a, b) => a - b);
  return speedups.flatMap(speedup => {
    const ours = own.filter(row => row.speedup === speedup);
    const theirs = published.filter(row => row.speedup === speedup);
    // options of a method are not in the paper's names
    const bare = (method: string) => method.replace(/:\S+/g, '');
    const known = new Set(ours.map(({ method }) => bare(method)));
    return [
      ...ours.map(row => ({
        speedup,
        method: row.method,
        own: row,
        published: theirs.find(({ method }) => method === bare(row.method)),
      })),
      ...theirs
        .filter(({ method }) => !known.has(method))
        .sort((a, b) => a.rank - b.rank)
        .map(row => ({ speedup, method: row.method, own: undefined, published: row })),
    ];
  });
}
