import * as tf from '@tensorflow/tfjs';

interface Scope {
  readonly name: string;
}

const names = new WeakMap<Scope, string>();

/** The tfjs scopes that are open, outermost first: the names given to `tf.tidy` and those of tfjs's own functions. */
export function currentScope(): string {
  const { activeScope, scopeStack } = (
    tf.engine() as unknown as { state: { activeScope?: Scope; scopeStack: Scope[] } }
  ).state;
  if (!activeScope) return '';
  let name = names.get(activeScope);
  if (name === undefined) {
    const open = scopeStack.map(scope => scope.name);
    name = open.filter(part => part && part !== 'unnamed scope').join('/');
    names.set(activeScope, name);
  }
  return name;
}
