// Reads so much of docker/compose.yaml as is needed to run its services without Docker: that file is simple
// YAML of two spaces, and the test fails if it is not.

import { readFileSync } from "node:fs";
import { join } from "node:path";

const DOCKER = join(import.meta.dirname, "../../docker");

/** The variables of `.env.example`. */
export function exampleEnv() {
    const lines = readFileSync(join(DOCKER, ".env.example"), "utf8").split("\n");
    const pairs = lines.filter((line) => /^[A-Z]/.test(line)).map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]);
    return Object.fromEntries(pairs);
}

export const composeText = () => readFileSync(join(DOCKER, "compose.yaml"), "utf8");

/** The service `name`: `{ entrypoint, command, environment }` with `variables` in their places. */
export function composeService(name, variables) {
    const lines = composeText().split("\n");
    const block = (from, indent) => {
        const length = lines.slice(from).findIndex((line) => line.trim() !== "" && line.search(/\S/) < indent);
        return lines.slice(from, length < 0 ? undefined : from + length);
    };
    const service = block(lines.indexOf(`  ${name}:`) + 1, 4);
    const value = (text) => text.replace(/(^|\s)#.*$/, "").trim().replace(/\$\{(\w+):-([^}]*)\}/g, (_, key, other) => variables[key] ?? other);
    const list = (key) => {
        const at = service.findIndex((line) => line.startsWith(`    ${key}:`));
        if (at < 0) return [];
        const inline = service[at].slice(key.length + 5).trim();
        if (inline) return JSON.parse(inline);
        const rest = service.slice(at + 1);
        const end = rest.findIndex((line) => !line.startsWith("      "));
        return rest.slice(0, end < 0 ? undefined : end).map((line) => value(line.replace(/^\s+- /, "")));
    };
    const start = service.indexOf("    environment:");
    const environment = {};
    for (const line of start < 0 ? [] : service.slice(start + 1)) {
        if (!line.startsWith("      ")) break;
        const [, key, text] = /^\s+(\w+):\s*(.*)$/.exec(line) ?? [];
        if (key && value(text)) environment[key] = value(text);
    }
    return { entrypoint: list("entrypoint"), command: list("command"), environment };
}
