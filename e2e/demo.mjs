// Who is in the workspace that `latchkey seed` makes.
export const juniper = '/w/juniper-labs';

/** The accounts of the demo by role, from what seed printed. */
export function people({ seeded }) {
  const password = seeded.match(/shown only now:\s+(\S+)/)[1];
  const roles = [...seeded.matchAll(/^ {4}(\S+@\S+)\s+(\S+)$/gm)].map(([, email, role]) => [role.toLowerCase(), { email, password }]);
  return Object.fromEntries(roles);
}
