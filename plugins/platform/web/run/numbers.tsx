import type { RunRecord } from '../../../../kernel/bench/record.ts';
import { countKey } from '../../../../kernel/prune/speedup.ts';
import { amount, duration, percent, seconds as time, signed, times } from '../format.ts';

/** What came of a run. */
export function Numbers({ record }: { record: RunRecord }) {
  const { base, pruned, score, latency, seconds, configuration } = record;
  const count = countKey(configuration.protocol.count);
  const [before, after] = [base.scores[score]!, pruned.scores[score]!];
  const recalibrated = pruned.recalibrated?.[score];
  return (
    <>
      <dl class="tiles">
        <div class="main">
          <dt>{score}</dt>
          <dd>
            {percent(after)}{' '}
            <small class={after < before ? 'worse' : after > before ? 'better' : undefined}>
              {signed(100 * (after - before))}
            </small>
          </dd>
          <dd class="hint">
            base {percent(before)}, pruned {percent(pruned.before[score]!)}
            {recalibrated !== undefined && `, recalibrated ${percent(recalibrated)}`}
          </dd>
        </div>
        <div>
          <dt>speed-up in multiply-adds</dt>
          <dd>{times(base[count] / pruned[count])}</dd>
          <dd class="hint">
            {amount(base[count])} → {amount(pruned[count])}
          </dd>
        </div>
        <div>
          <dt>parameters left</dt>
          <dd>{percent(pruned.params / base.params, 1)}</dd>
          <dd class="hint">
            {amount(base.params)} → {amount(pruned.params)}
          </dd>
        </div>
        {latency.map(one => (
          <div key={one.batch}>
            <dt>speed-up in time, batch {one.batch}</dt>
            <dd>{times(one.base / one.pruned)}</dd>
            <dd class="hint">
              {one.base.toFixed(2)} → {one.pruned.toFixed(2)} ms
            </dd>
          </div>
        ))}
        <div>
          <dt>time to prune</dt>
          <dd>{time(seconds.prune)}</dd>
          <dd class="hint">
            {seconds.steps} steps, fine-tuning {duration(seconds.finetune)}
          </dd>
        </div>
      </dl>
    </>
  );
}
