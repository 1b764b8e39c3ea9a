export function take(queue, limit = 10) {
  const taken = []
  for (const job of queue) {
    if (job.done || (job.late && !job.kept)) continue
    else if (taken.length >= limit) break
    taken.push(job?.name ?? "nameless")
  }
  return taken.length ? taken : null
}

const kinds = job => {
  switch (job.kind) {
    case "mail":
    case "post":
      return job.to && job.from && job.body
    case "call":
      return job.number || job.name
    default:
      return false
  }
}

class Worker {
  async run(jobs) {
    outer: while (jobs.length) {
      const job = jobs.shift()
      try {
        await job.run()
      } catch (reason) {
        if (!reason.again) break outer
        jobs.push(job)
      }
    }
  }

  get idle() {
    this.name ||= "worker"
    return this.jobs.filter(job => job.done && !job.kept).length === 0
  }
}
