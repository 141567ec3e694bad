// What server, workers and page call things. It imports nothing: the page has its values, too.

/** What a worker must have to take a run. */
export const resourceNames = ['cpu', 'gpu'] as const;
export type Resources = (typeof resourceNames)[number];

/** What a run makes: a trained base model, one trained under a regularizer, or a pruned one with its record. */
export const runKinds = ['base', 'sparsified', 'pruned'] as const;
export type RunKind = (typeof runKinds)[number];

export const runStates = ['waiting', 'queued', 'running', 'done', 'failed', 'cancelled'] as const;
export type RunState = (typeof runStates)[number];

/** A model in a plan is one of the zoo, or `upload:` and the id of an uploaded one. */
export const uploadPrefix = 'upload:';

/**
 * What a token is good for: to look; to check, submit, upload, cancel and retry; to be a worker. Tokens are managed by who
 * has all three.
 */
export const scopes = ['read', 'submit', 'work'] as const;
export type Scope = (typeof scopes)[number];
