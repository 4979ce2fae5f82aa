import { defineConfig } from "oxlint";

/**
 * The folders of packages/core/src in the order of imports: each may import those before it, and none after it. What a
 * folder needs of a later one is a sign that it stands in the wrong place.
 */
const ORDER = [
  "runtime",
  "rules",
  "queue",
  "database",
  "ledger",
  "limits",
  "payments",
  "treasury",
  "operators",
  "audit",
  "imports",
  "rebuild",
  "alerts",
  "custody",
  "backups",
  "config",
  "processes",
];

const forbid = (regex: string, message: string) => ({
  "no-restricted-imports": ["error", { patterns: [{ regex, message }] }] as never,
});
const NOT_SHIPPED = "@stakebts/(testkit|devnet)";
const shipped = {
  excludeFiles: ["**/*.test.ts", "**/fixtures/**"],
};

export default defineConfig({
  plugins: ["typescript", "promise", "node", "oxc", "unicorn", "import"],
  categories: { correctness: "error" },
  options: { typeAware: true },
  rules: {
    "typescript/no-floating-promises": "error",
    "typescript/no-misused-promises": "error",
    "typescript/switch-exhaustiveness-check": "error",
    "typescript/no-explicit-any": "error",
    "import/no-cycle": "error",
    "no-console": "error",
    "no-restricted-globals": [
      "error",
      { name: "parseFloat", message: "Money is bigint; nothing here is a float." },
    ],
    "node/no-process-env": "error",
  },
  overrides: [
    {
      ...shipped,
      files: ["apps/*/src/**/*.{ts,tsx}"],
      rules: forbid(`^${NOT_SHIPPED}`, "Test code and the devnet are in no image."),
    },
    {
      ...shipped,
      files: ["packages/kernel/src/**/*.ts"],
      rules: forbid("^[^.]", "The kernel imports nothing but itself."),
    },
    {
      ...shipped,
      files: ["packages/bitshares/src/**/*.ts"],
      rules: forbid(
        "^@stakebts/(core|testkit|devnet)",
        "The client of the chain knows nothing of staking: it imports the kernel and libraries.",
      ),
    },
    ...ORDER.map((folder, place) => ({
      ...shipped,
      files: [`packages/core/src/${folder}/**/*.ts`],
      rules:
        folder === "rules"
          ? forbid(
              String.raw`^(\.\.|[^.@]|@[^s]|@stakebts/[^k])`,
              "A rule imports rules and the kernel: no clock, no I/O, no library.",
            )
          : forbid(
              `^(?:\\.\\./)+(${[...ORDER.slice(place + 1), "-"].join("|")})/|^${NOT_SHIPPED}`,
              `${folder}/ stands before that folder in the order of imports (oxlint.config.ts), and imports no test code.`,
            ),
    })),
    {
      files: [
        "packages/core/src/config/*.ts",
        "apps/*/src/config.ts",
        "packages/devnet/**/*.ts",
        "packages/testkit/**/*.ts",
        "prisma/**/*.ts",
        "*.config.ts",
        "test/**",
        "apps/*/test/**",
        "deploy/test/**",
        "scripts/**",
        "bench/**",
        "chaos/**",
        "fuzz/**",
        "demo/**",
        "**/*.test.ts",
      ],
      rules: { "node/no-process-env": "off", "no-console": "off" },
    },
  ],
  ignorePatterns: ["**/generated/**", "**/dist/**"],
});
