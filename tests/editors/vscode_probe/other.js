// Goes by the name of another assistant, and does nothing: once it is active, Codriver has to step back.
const vscode = require("vscode");

exports.activate = (context) => {
  context.subscriptions.push(vscode.commands.registerCommand("probe.other", () => undefined));
};
