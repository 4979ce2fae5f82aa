import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { docker } from "./docker.ts";

const FILES = ["Dockerfile", "docker-compose.yml"];
const PINNED = /\b([a-z][a-z0-9/-]*:[\w.-]+)@sha256:[0-9a-f]{64}/gu;

/** The text with the digest that each pinned tag names now. */
export async function repinned(text: string, digestOf: (image: string) => Promise<string>): Promise<string> {
  const images = new Set([...text.matchAll(PINNED)].map(([, image = ""]) => image));
  const digests = new Map<string, string>();
  for (const image of images) digests.set(image, await digestOf(image));
  return text.replace(PINNED, (_, image: string) => `${image}@${digests.get(image)}`);
}

/** Of all platforms together, as a registry has it. To take a newer version, write its tag first. */
const digestInRegistry = async (image: string): Promise<string> => {
  const digest = (
    await docker(["buildx", "imagetools", "inspect", image, "--format", "{{json .Manifest.Digest}}"])
  ).trim();
  if (!/^"sha256:[0-9a-f]{64}"$/u.test(digest)) throw new Error(`${image}: ${digest} is no digest`);
  return JSON.parse(digest) as string;
};

export async function pinBaseImages(repository: string): Promise<void> {
  for (const file of FILES) {
    const path = join(repository, file);
    const before = readFileSync(path, "utf8");
    const after = await repinned(before, digestInRegistry);
    writeFileSync(path, after);
    console.log(`${file}: ${before === after ? "as it was" : "new digests"}`);
  }
}
