// NUL, lone surrogates and what acts on terminals or turns the direction of writing; neither databases nor people want them
const control = String.raw`\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069`;
/** One of these. */
export const strange = new RegExp(String.raw`[${control}]|\p{Surrogate}`, 'u');
/** Text without these, as a pattern of JSON Schema. */
export const plainText = `^[^${control}]*$`;
