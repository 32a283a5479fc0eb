/** Lint rules. What an import may reach is in .dependency-cruiser.cjs, what the formatter decides is Prettier's. */
import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Code that is given its clock, chance and surroundings as ports. */
const pure = ['{edge-agent,aggregator}/src/{domain,app}/**/*.ts', 'shared/src/**/*.ts'];

const ports = 'it comes in as a port';
const platformGlobals = [
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'performance',
  'process',
  'Buffer',
  'crypto',
  'fetch',
  'console',
];

export default defineConfig(
  globalIgnores(['**/dist/', '**/data/', '.cache/', 'coverage/']),
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: {
        project: ['*/tsconfig.json', 'shared/tsconfig.{node,tools}.json', 'tsconfig.test.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'no-console': 'error',
      'prefer-const': ['error', { ignoreReadBeforeAssign: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      // Texts here are codes, plates and JSON, not prose.
      '@typescript-eslint/no-misused-spread': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unnecessary-condition': ['error', { allowConstantLoopConditions: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      // A function is async so that what it throws is a rejection, whether or not it waits.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    },
  },
  {
    files: pure,
    ignores: ['shared/src/node/**'],
    rules: {
      'no-restricted-globals': ['error', ...platformGlobals.map((name) => ({ name, message: ports }))],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: ports },
        { object: 'Math', property: 'random', message: ports },
        { property: 'toLocaleString', message: 'depends on the machine' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: `the time: ${ports}` },
        { selector: 'CallExpression[callee.name="Date"]', message: `the time: ${ports}` },
      ],
    },
  },
  {
    files: ['*/test/**/*.ts', 'test/**/*.ts'],
    rules: {
      'max-lines': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      // Asymmetric matchers (`expect.any(String)`) are typed `any`.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    // Type-checked by `tsc` (scripts/tsconfig.json), which knows every global.
    files: ['**/*.{mjs,cjs}'],
    rules: { eqeqeq: 'error', 'no-undef': 'off' },
  },
);
