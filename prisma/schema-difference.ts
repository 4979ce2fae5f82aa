// Compares a database with schema.prisma by Prisma's schema engine, compiled to WebAssembly: the binary would have to be
// downloaded.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { PrismaPg } from "@prisma/adapter-pg";
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type SqlMigrationAwareDriverAdapterFactory,
  type SqlQuery,
} from "@prisma/driver-adapter-utils";
import * as engine from "@prisma/schema-engine-wasm/schema_engine_bg";
import type { Migration } from "@stakebts/core/database/migrations";
import pg from "pg";

// The engine panics through this global; without it the real message is lost in a TypeError.
(globalThis as { PRISMA_WASM_PANIC_REGISTRY?: unknown }).PRISMA_WASM_PANIC_REGISTRY = {
  set_message: (message: string) => console.error(message),
};
const glue = createRequire(import.meta.url).resolve("@prisma/schema-engine-wasm/schema_engine_bg");
const { exports } = new WebAssembly.Instance(
  new WebAssembly.Module(readFileSync(join(dirname(glue), "schema_engine_bg.wasm"))),
  { "./schema_engine_bg.js": engine as never },
);
engine.__wbg_set_wasm(exports);
(exports.__wbindgen_start as () => void)();

const filters = { externalTables: [], externalEnums: [] };

/** SQL that makes the database look like the schema; "" when it does. What a schema cannot say is left alone. */
export function schemaDifference(databaseUrl: string, schema: string): Promise<string> {
  const files = [{ path: "schema.prisma", content: schema }];
  return withEngine(databaseUrl, schema, async (open) => {
    const { exitCode, stdout } = await open.diff({
      from: { tag: "schemaDatasource", files, configDir: import.meta.dirname },
      to: { tag: "schemaDatamodel", files },
      script: true,
      exitCode: true,
      filters,
    });
    return exitCode === 2 ? (stdout ?? "") : "";
  });
}

/** What Prisma's own `migrate status` would say of the database and these migrations. */
export function prismaHistory(databaseUrl: string, schema: string, migrations: readonly Migration[]) {
  return withEngine(databaseUrl, schema, (open) =>
    open.diagnoseMigrationHistory({
      optInToShadowDatabase: false,
      filters,
      migrationsList: {
        baseDir: join(import.meta.dirname, "migrations"),
        lockfile: { path: "migration_lock.toml", content: 'provider = "postgresql"\n' },
        shadowDbInitScript: "",
        migrationDirectories: migrations.map(({ name, sql }) => ({
          path: name,
          migrationFile: { path: "migration.sql", content: { tag: "ok" as const, value: sql } },
        })),
      },
    }),
  );
}

async function withEngine<T>(
  databaseUrl: string,
  schema: string,
  work: (open: engine.SchemaEngine) => Promise<T>,
): Promise<T> {
  const pool = new pg.Pool({ connectionString: databaseUrl });
  try {
    const open = await engine.SchemaEngine.new(
      { datamodels: [["schema.prisma", schema]] },
      () => {},
      bindMigrationAwareSqlAdapterFactory(
        adapterOf(pool) as unknown as SqlMigrationAwareDriverAdapterFactory,
      ),
    );
    try {
      return await work(open);
    } finally {
      open.free();
    }
  } finally {
    await pool.end();
  }
}

/** adapter-pg 7.10 refuses the one-byte type "char" (oid 18) that the engine selects: it is passed off as text. */
function adapterOf(pool: pg.Pool): PrismaPg {
  const factory = new PrismaPg(pool);
  const connect = factory.connect.bind(factory);
  factory.connect = async () => {
    const adapter = await connect();
    const inner = adapter as unknown as {
      performIO(query: SqlQuery): Promise<{ fields: { dataTypeID: number }[] }>;
    };
    const performIO = inner.performIO.bind(adapter);
    const chars = new WeakMap<SqlQuery, number[]>();
    inner.performIO = async (query) => {
      const result = await performIO(query);
      chars.set(
        query,
        result.fields.flatMap(({ dataTypeID }, index) => (dataTypeID === 18 ? [index] : [])),
      );
      for (const field of result.fields) if (field.dataTypeID === 18) field.dataTypeID = 25;
      return result;
    };
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (query) => {
      const result = await queryRaw(query);
      for (const index of chars.get(query) ?? []) result.columnTypes[index] = ColumnTypeEnum.Character;
      return result;
    };
    return adapter;
  };
  return factory;
}
