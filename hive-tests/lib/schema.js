// Checks values against the JSON Schemas of the OpenRPC document. It knows the keywords that occur
// there; an unknown one is an error, so that no rule is passed over.

const ANNOTATIONS = new Set(["title", "description", "examples", "default"]);

const kinds = {
    null: (value) => value === null,
    boolean: (value) => typeof value === "boolean",
    number: (value) => typeof value === "number",
    integer: (value) => Number.isInteger(value),
    string: (value) => typeof value === "string",
    array: Array.isArray,
    object: isObject,
};

function isObject(value) {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Each rule: (rule's value, the value under test, the whole schema, its path) → problem or null. */
const rules = {
    type: (wanted, value, _, path) =>
        [wanted].flat().some((kind) => kinds[kind](value)) ? null : `${path}: want ${wanted}, have ${show(value)}`,
    enum: (wanted, value, _, path) =>
        wanted.some((one) => same(one, value)) ? null : `${path}: ${show(value)} is none of ${show(wanted)}`,
    const: (wanted, value, _, path) => (same(wanted, value) ? null : `${path}: want ${show(wanted)}, have ${show(value)}`),
    pattern: (wanted, value, _, path) =>
        typeof value !== "string" || new RegExp(wanted, "u").test(value) ? null : `${path}: ${show(value)} does not match ${wanted}`,
    minimum: (wanted, value, _, path) =>
        typeof value !== "number" || value >= wanted ? null : `${path}: ${value} is below ${wanted}`,
    required: (wanted, value, _, path) => {
        const missing = isObject(value) && wanted.find((name) => !Object.hasOwn(value, name));
        return missing ? `${path}: ${missing} is missing` : null;
    },
    items: (wanted, value, _, path) =>
        Array.isArray(value) ? first(value, (item, index) => problem(wanted, item, `${path}[${index}]`)) : null,
    properties: (wanted, value, _, path) =>
        isObject(value)
            ? first(Object.entries(wanted), ([name, schema]) =>
                  Object.hasOwn(value, name) ? problem(schema, value[name], `${path}.${name}`) : null,
              )
            : null,
    additionalProperties: (wanted, value, schema, path) =>
        isObject(value)
            ? first(Object.keys(value), (name) =>
                  Object.hasOwn(schema.properties ?? {}, name) ? null : problem(wanted, value[name], `${path}.${name}`),
              )
            : null,
    anyOf: (wanted, value, _, path) => {
        const problems = wanted.map((schema) => problem(schema, value, path));
        return problems.includes(null) ? null : `${path}: fits no alternative (${problems.join("; ")})`;
    },
    oneOf: (wanted, value, _, path) => {
        const problems = wanted.map((schema) => problem(schema, value, path));
        const fitting = problems.filter((one) => one === null).length;
        return fitting === 1 ? null : `${path}: fits ${fitting} alternatives, want one (${problems.join("; ")})`;
    },
};

function first(items, check) {
    for (const [index, item] of items.entries()) {
        const found = check(item, index);
        if (found) return found;
    }
    return null;
}

function show(value) {
    const text = JSON.stringify(value) ?? "nothing";
    return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

function same(a, b) {
    return JSON.stringify(a) === JSON.stringify(b);
}

/** What is wrong with `value` under `schema`, or null. */
export function problem(schema, value, path = "result") {
    if (schema === true) return null;
    if (schema === false) return `${path}: is not allowed`;
    return first(Object.entries(schema), ([keyword, wanted]) => {
        if (ANNOTATIONS.has(keyword)) return null;
        const rule = rules[keyword];
        if (!rule) throw new Error(`schema keyword ${keyword} is not known`);
        return rule(wanted, value, schema, path);
    });
}
