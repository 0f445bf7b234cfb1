*** Settings ***
Documentation       Nodes, constants and what they say about this machine.
Resource            acceptance.resource

Suite Setup         Set Up VMs


*** Test Cases ***
The Default Topology Has One Node
    ${nodes}=    List Nodes
    Should Be Equal    ${nodes}    ${{['DUT1']}}

A Node Says What It Is Made Of
    ${info}=    Get Node Info
    FOR    ${key}    IN    name    host    arch    kernel    kvm    cpus    numa_nodes    hugepages    memory
        Dictionary Should Contain Key    ${info}    ${key}
    END
    Should Be Equal    ${info}[name]    DUT1
    Should Be Equal    ${info}[kernel]    ${{platform.release()}}
    Should Be Equal    ${info}[arch]    ${{platform.machine()}}
    Should Be Equal    ${{sorted(c['cpu'] for c in $info['cpus'])}}    ${{sorted(os.sched_getaffinity(0))}}
    ${total}=    Evaluate    os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') // 2**20
    Should Be True    abs(${info}[memory] - ${total}) <= 1
    ${pages}=    Get File    /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
    Should Be Equal As Integers    ${info}[hugepages][2M][total]    ${pages}
    Should Be True    ${info}[numa_nodes] >= 1
    Should Fail At Once    *argument 'node'*unknown node 'DUT7'*DUT1*    Get Node Info    DUT7

Qemu's Version Is That Of The Program
    ${version}=    Get Qemu Version
    ${text}=    Evaluate    subprocess.run(['qemu-system-x86_64', '--version'], capture_output=True, text=True).stdout    subprocess
    Should Contain    ${text}    version ${version}
    Set Constant    qemu.binary    /bin/true
    Should Fail At Once    *qemu.binary*'/bin/true'*    Get Qemu Version
    Set Constant    qemu.binary    /no/such/qemu
    Should Fail At Once    *qemu.binary*/no/such/qemu*    Get Qemu Version
    [Teardown]    Reload Constants

Programs Run On The Node
    ${result}=    Execute On Node    DUT1    sh    -c    echo "$0"; echo e >&2; exit 4    two words
    Should Be Equal    ${result}    ${{{'rc': 4, 'stdout': 'two words\n', 'stderr': 'e\n'}}}
    ${result}=    Execute On Node    DUT1    sh    -c    kill -KILL $$
    Should Be Equal    ${result}[rc]    ${-9}
    Should Fail At Once    *no-such-program*    Execute On Node    DUT1    no-such-program
    Should Fail At Once    *unknown node 'X'*    Execute On Node    X    true

A Program That Outlives The Timeout Is Killed With Its Children
    ${began}=    Evaluate    time.monotonic()
    Run Keyword And Expect Error    *timed out*    Execute On Node    DUT1    sh    -c    sleep 6543; true    timeout=300 ms
    ${seconds}=    Evaluate    time.monotonic() - ${began}
    Should Be True    ${seconds} < 1.3
    ${found}=    Execute On Node    DUT1    pgrep    -fx    sleep 6543
    Should Be Equal    ${found}[rc]    ${1}

Hugepages That Are Not There Are Missed
    ${error}=    Should Fail At Once    *    Check Hugepages    DUT1    100000000
    Should Contain    ${error}    100000000 MiB
    Should Contain    ${error}    2M
    Should Fail At Once    *argument 'numa_node'*'77'*    Check Hugepages    DUT1    2    numa_node=77
    Should Fail At Once    *argument 'page_size'*'3M'*    Call Server    Check Hugepages    DUT1    2    3M
    ${info}=    Get Node Info
    IF    ${info}[hugepages][2M][free] > 0    Check Hugepages    DUT1    2

Constants Are Read, Set And Read Anew
    ${value}=    Get Constant    timeout.vhost
    Should Be Equal    ${value}    30 s
    Set Constant    timeout.vhost    1 min
    ${value}=    Get Constant    timeout.vhost
    Should Be Equal    ${value}    1 min
    Reload Constants
    ${value}=    Get Constant    timeout.vhost
    Should Be Equal    ${value}    30 s

Constants That Are Wrong Change Nothing
    ${error}=    Should Fail At Once    *    Get Constant    timeout.ghost
    Should Contain    ${error}    argument 'name'
    Should Contain    ${error}    timeout.ghost
    Should Fail At Once    *timeout.ghost*    Set Constant    timeout.ghost    1 s
    Should Fail At Once    *timeout.vhost*soon*    Set Constant    timeout.vhost    soon
    Should Fail At Once    *qemu.accelerator*auto, kvm or tcg*warp*    Set Constant    qemu.accelerator    warp
    Should Fail At Once    *qemu.max_vms*1 to 255*256*    Set Constant    qemu.max_vms    256
    ${value}=    Get Constant    timeout.vhost
    Should Be Equal    ${value}    30 s
