import tseslint from 'typescript-eslint';

const noPlugins = {
  group: ['**/plugins/**', '**/datasets/**'],
  message: 'kernel/ never imports plugins: take them as arguments.',
};
const noCommands = {
  group: ['**/cli/**'],
  message: 'the library does not lean on the command line: what both need is in kernel/text.',
};

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'coverage', 'docs', 'runs', 'pruningbench-data', '.interop', '.fuzz'] },
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    files: ['kernel/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [noPlugins, noCommands] }] },
  },
  {
    files: ['kernel/cli/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [noPlugins] }] },
  },
  {
    files: ['plugins/*.ts'],
    ignores: ['plugins/bin.ts'],
    rules: { 'no-restricted-imports': ['error', { patterns: [noCommands] }] },
  },
  {
    files: ['plugins/backends/onnxruntime/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['../../**', '**/kernel/**'],
              message: 'this backend stands by itself: it imports nothing else of the project.',
            },
          ],
        },
      ],
    },
  },
);
