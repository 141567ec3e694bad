import type { IMimeBundle } from '@jupyterlab/nbformat';
import { linesOf, textOf, type CodeCell, type Output } from './notebook.ts';
import type { Message } from './wire.ts';

/** A change of a cell's outputs. */
export interface OutputChange {
  readonly kind: 'added' | 'updated' | 'cleared';
  readonly output?: Output;
}

/** Folds published messages into the outputs of cells, as a front end does. */
export class Outputs {
  /** Outputs by the id of their display, across cells. */
  readonly #displays = new Map<string, Output[]>();
  #clearNext = false;

  /** Empties a cell before it runs. */
  reset(cell: CodeCell): void {
    cell.outputs = [];
    this.#clearNext = false;
  }

  /** Takes a message; undefined where it changes no output. */
  add(cell: CodeCell, { header, content }: Message): OutputChange | undefined {
    switch (header.msg_type) {
      case 'clear_output':
        this.#clearNext = !!content['wait'];
        if (!this.#clearNext) cell.outputs = [];
        return { kind: 'cleared' };
      case 'update_display_data':
        return this.#update(content);
      case 'stream':
        return this.#push(cell, {
          output_type: 'stream',
          name: String(content['name']) as 'stdout',
          text: linesOf(String(content['text'])),
        });
      case 'error': {
        const { ename, evalue, traceback } = content as { ename: string; evalue: string; traceback: string[] };
        return this.#push(cell, { output_type: 'error', ename, evalue, traceback });
      }
      case 'display_data':
      case 'execute_result':
        return this.#display(cell, header.msg_type, content);
      default:
        return undefined;
    }
  }

  #display(cell: CodeCell, type: string, content: Message['content']): OutputChange {
    const { data, metadata = {}, execution_count: count, transient } = content;
    const output = {
      output_type: type,
      data: data as object,
      metadata: metadata as object,
      ...(type === 'execute_result' ? { execution_count: count as number } : {}),
    } as Output;
    const id = (transient as { display_id?: string } | undefined)?.display_id;
    if (id !== undefined) this.#displays.set(id, [...(this.#displays.get(id) ?? []), output]);
    return this.#push(cell, output);
  }

  #update({ data, metadata, transient }: Message['content']): OutputChange | undefined {
    const shown = this.#displays.get((transient as { display_id: string }).display_id) ?? [];
    for (const output of shown) {
      output['data'] = data as IMimeBundle;
      output['metadata'] = (metadata ?? {}) as IMimeBundle;
    }
    return shown.length ? { kind: 'updated', output: shown[0]! } : undefined;
  }

  #push(cell: CodeCell, output: Output): OutputChange {
    if (this.#clearNext) cell.outputs = [];
    this.#clearNext = false;
    const last = cell.outputs.at(-1);
    if (output.output_type === 'stream' && last?.output_type === 'stream' && last['name'] === output['name'])
      last['text'] = linesOf(textOf(last['text']) + textOf(output['text']));
    else cell.outputs.push(output);
    return { kind: 'added', output };
  }
}
