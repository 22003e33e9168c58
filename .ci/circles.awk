# Finds circles in a graph. Each line of the input is an edge: from, to, and why (one word).
# Prints every set of nodes that reach each other (a strongly connected component of more
# than one node), one a paragraph: its size and members, then the edges within it.
# Exits 1 if there is one. The method is Tarjan's (SIAM J. Comput. 1(2), 1972).
# `recursion` lists edges that are left out, as "from>to from>to"; one that is not there
# is complained about, so that the list does not outlive its reasons.

BEGIN {
    n = split(recursion, list, " ")
    for (i = 1; i <= n; i++)
        missing[list[i]]
}

($1 ">" $2) in missing || ($1 ">" $2) in left_out {
    delete missing[$1 ">" $2]
    left_out[$1 ">" $2]
    next
}

$1 != $2 {
    edge = $1 " " $2
    if (!(edge in why)) {
        why[edge] = $3
        targets[$1] = targets[$1] " " $2
    } else if (index(" " why[edge] " ", " " $3 " ") == 0)
        why[edge] = why[edge] " " $3
    nodes[$1]
    nodes[$2]
}

function visit(node,    ends, n, i, next_node) {
    found[node] = low[node] = ++visited
    stack[++depth] = node
    waiting[node] = 1
    n = split(targets[node], ends, " ")
    for (i = 1; i <= n; i++) {
        next_node = ends[i]
        if (!(next_node in found)) {
            visit(next_node)
            if (low[next_node] < low[node])
                low[node] = low[next_node]
        } else if (waiting[next_node] && found[next_node] < low[node])
            low[node] = found[next_node]
    }
    if (low[node] == found[node])
        close_component(node)
}

# What lies above the node on the stack, and the node: they reach each other.
function close_component(node,    members, count, other) {
    do {
        other = stack[depth--]
        waiting[other] = 0
        component[other] = node
        members = members " " other
        count++
    } while (other != node)
    if (count > 1)
        circles[node] = count ":" members
}

END {
    for (edge in missing) {
        bad = 1
        print "listed as recursion, but not there: " edge
    }
    for (node in nodes)
        if (!(node in found))
            visit(node)
    for (node in circles) {
        bad = 1
        print "circle of " circles[node]
        sorted = "sort"
        for (edge in why) {
            split(edge, ends, " ")
            if (component[ends[1]] == node && component[ends[2]] == node)
                print "    " ends[1] " -> " ends[2] ": " why[edge] | sorted
        }
        close(sorted)
    }
    exit bad
}
