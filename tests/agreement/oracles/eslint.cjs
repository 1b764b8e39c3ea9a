// `node eslint.cjs PREFIX complexity|cognitive < files.json`: one JSON line per file of [body's first byte, last byte, line, number].
const path = require("path")
const { createRequire } = require("module")

const prefix = path.resolve(process.argv[2])
const need = createRequire(path.join(prefix, "package.json"))
const { Linter } = need("eslint")
const { builtinRules } = need("eslint/use-at-your-own-risk")
const parser = need("@typescript-eslint/parser")
const fs = require("fs")

const complexity = builtinRules.get("complexity")
const sonar = need("eslint-plugin-sonarjs").rules["cognitive-complexity"]
const { getMainFunctionTokenLocation } = require(path.join(prefix, "node_modules/eslint-plugin-sonarjs/cjs/helpers/location.js"))

let found
const at = loc => `${loc.start.line}:${loc.start.column}`

function told(context, report) {
  return Object.create(context, { report: { value: report }, options: { value: [0] } })
}

const cyclomatic = {
  meta: {},
  create: context =>
    complexity.create(told(context, ({ node, data }) => {
      // The initializer of a field is a path of its own to eslint, beside the function that it may be.
      if (node.body && !/^Class (field|static)/.test(data.name)) found.push([node, data.complexity])
    })),
}

const cognitive = {
  meta: {},
  create(context) {
    const nodes = []
    const numbers = new Map()
    const rule = sonar.create(
      told(context, problem => {
        numbers.set(at(problem.loc), problem.data.complexityAmount)
      }),
    )
    const leave = rule[":function:exit"]
    return {
      ...rule,
      ":function:exit"(node) {
        leave(node)
        if (node.body) nodes.push([node, at(getMainFunctionTokenLocation(node, node.parent, context))])
      },
      "Program:exit"(node) {
        rule["Program:exit"](node)
        for (const [one, place] of nodes) found.push([one, numbers.get(place) ?? 0])
      },
    }
  },
}

const wanted = process.argv[3] === "complexity" ? cyclomatic : cognitive
const linter = new Linter({ configType: "flat" })
for (const file of JSON.parse(fs.readFileSync(0, "utf8"))) {
  const text = fs.readFileSync(file, "utf8")
  found = []
  const problems = linter.verify(
    text,
    {
      files: ["**/*.{js,cjs,mjs,jsx,ts,cts,mts,tsx}"],
      languageOptions: { parser, sourceType: /\.[cm]?ts|tsx$/.test(file) ? "module" : "commonjs", parserOptions: { ecmaFeatures: { jsx: !/\.[cm]?ts$/.test(file) } } },
      plugins: { own: { rules: { wanted } } },
      linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: "off" },
      rules: { "own/wanted": "error" },
    },
    { filename: file.replace(/.*\//, "") },
  )
  const fatal = problems.find(problem => problem.fatal)
  const bytes = offset => Buffer.byteLength(text.slice(0, offset))
  const list = found.map(([node, number]) => [bytes(node.body.range[0]), bytes(node.body.range[1]), node.loc.start.line, number])
  console.log(JSON.stringify([file, fatal ? fatal.message : list]))
}
