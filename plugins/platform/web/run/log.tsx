import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Download } from '../ui.tsx';
import type { LogLine } from './run.tsx';

/** So many lines are shown; the file has them all. */
export const mostLines = 2000;

export function Log({ id, lines, following }: { id: string; lines: readonly LogLine[]; following: boolean }) {
  const place = useRef<HTMLPreElement>(null);
  const [follow, setFollow] = useState(true);
  useLayoutEffect(() => {
    if (follow && place.current) place.current.scrollTop = place.current.scrollHeight;
  }, [lines, follow]);
  return (
    <>
      <div class="row">
        {following && (
          <label class="check">
            <input type="checkbox" checked={follow} onChange={event => setFollow(event.currentTarget.checked)} />
            Follow
          </label>
        )}
        <Download href={`api/runs/${id}/log`} name={`${id}.log`}>
          Whole log
        </Download>
      </div>
      {lines.length === 0 ? (
        <p class="hint">Nothing was written yet.</p>
      ) : (
        <pre
          class="log"
          ref={place}
          tabIndex={0}
          role="region"
          aria-label="Log"
          onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
            // whoever scrolls up wants to read
            if (scrollHeight - scrollTop - clientHeight > 40) setFollow(false);
          }}
        >
          {lines.map(({ line, attempt }, i) => (
            <>
              {i > 0 && attempt !== lines[i - 1]!.attempt && <b>{`attempt ${attempt}\n`}</b>}
              {`${line}\n`}
            </>
          ))}
        </pre>
      )}
    </>
  );
}
