import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist/', 'dist-dev/', 'build/', 'demo-output/', 'bench/results/', 'node_modules/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts', '**/*.cts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: ['./tsconfig.json', './tsconfig.dev.json'] } },
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Numbers in messages need no ceremony.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // JavaScript callers pass what the types forbid, and the checks for it are not unnecessary.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // An async function without await turns what it throws into a rejection.
      '@typescript-eslint/require-await': 'off',
      // An interface gives the type that follows from a table of options its name.
      '@typescript-eslint/no-empty-object-type': ['error', { allowInterfaces: 'with-single-extends' }],
      '@typescript-eslint/max-params': ['error', { max: 7 }],
      // An overload carries its own documentation.
      '@typescript-eslint/unified-signatures': 'off',
      // Index access is checked by the compiler (noUncheckedIndexedAccess); in a loop's bounds the assertion is the plain form.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  { files: ['**/*.cts'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
  {
    // Under test runners and in vm contexts arrays and errors come from other realms, and a second copy of this package has other
    // classes: `instanceof` is false there. kindOf, Array.isArray, util.types and the classes' own `is` and `from` hold everywhere.
    files: ['lib/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: "BinaryExpression[operator='instanceof']", message: 'False for objects of another realm or copy.' },
      ],
    },
  },
  {
    files: ['**/*.mjs', '**/*.js'],
    languageOptions: {
      globals: {
        process: 'readonly',
        clearTimeout: 'readonly',
        console: 'readonly',
        setTimeout: 'readonly',
        URL: 'readonly',
      },
    },
  },
  prettier,
);
